"""The desk's pages, compressed: an overview of 60 kB, a list of 190 kB are a tenth of that.

Guessing secrets from the size of compressed pages (BREACH, breachattack.com) is hindered by Django in both ways that
its documentation names: the CSRF token has another mask in each page, and a file name of random length goes along.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedDeskMiddleware(GZipMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.resolver_match is not None and "admin" in request.resolver_match.app_names:
            return super().process_response(request, response)
        return response
