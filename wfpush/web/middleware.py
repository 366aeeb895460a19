"""The middleware of every request: its log line, compression of the desk's pages, and the search for NUL."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import translation
from django_structlog.middlewares import RequestMiddleware

from wfpush.web.problems import API_PREFIX, error_response


class CompressedDeskMiddleware(GZipMiddleware):
    """Compresses the desk's pages: an overview of 60 kB, a list of 190 kB are a tenth of that.

    Django hinders attacks that guess secrets from the size of compressed pages (BREACH, breachattack.com), in both ways
    that its documentation names: the CSRF token has another mask in each page, and each page has a file name of random
    length.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.resolver_match is not None and "admin" in request.resolver_match.app_names:
            return super().process_response(request, response)
        return response


MAX_NAMES = 20
"""The most names of parameters in a line."""


class RequestLogMiddleware(RequestMiddleware):
    """Writes a log line for each request: its method, path, and the names of its parameters.

    Values are left out: search terms and names of files do not belong in logs. Paths with somebody's ref are redacted
    with everything else (wfpush/security/redaction.py).
    """

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Bind the address that ClientAddressMiddleware found. django-structlog trusts X-Forwarded-For as the client
        wrote it."""
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR", ""))

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        names = "&".join([*request.GET][:MAX_NAMES])
        return f"{request.method} {request.path}?{names}" if names else f"{request.method} {request.path}"


NUL = "\x00"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

Scope = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]


class NulMiddleware:
    """Answers 400 if a request holds NUL: a problem to programs, a page to people, in their browser's language.

    No name or value of ours contains NUL, PostgreSQL stores none, and file systems raise for it. It may come in paths,
    queries, headers, cookies (also as `"\\000"`, which Python decodes in cookies) and forms. In JSON,
    the API's parser finds it and points at it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (holds_nul(_texts(request)) or (_has_form(request) and holds_nul(_form(request)))):
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            return error_response(request, 400)


class NulFreeSockets:
    """An ASGI wrapper that closes a socket with NUL before accepting it: HTTP's 403. Cookies are parsed by then."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        query = scope.get("query_string", b"").decode("latin-1")
        headers = (value.decode("latin-1") for _, value in scope["headers"])
        if holds_nul((scope["path"], _decoded(query), *scope.get("cookies", {}).values(), *headers)):
            await send({"type": "websocket.close"})
        else:
            await self.application(scope, receive, send)


def holds_nul(texts: Iterable[str]) -> bool:
    return any(NUL in text for text in texts)


def _texts(request: HttpRequest) -> Iterator[str]:
    yield request.path_info
    yield _decoded(request.META.get("QUERY_STRING", ""))
    yield from request.COOKIES.values()
    yield from (value for name, value in request.META.items() if name.startswith(("HTTP_", "CONTENT_")))


def _decoded(query: str) -> str:
    return query.replace("%00", NUL)


def _has_form(request: HttpRequest) -> bool:
    """Return whether the request may have a form. The API reads no forms."""
    return request.content_type in FORMS and not request.path_info.startswith(API_PREFIX)


def _form(request: HttpRequest) -> Iterator[str]:
    """Yield the texts of the form. Django's CSRF check would read it next."""
    for name, values in request.POST.lists():
        yield name
        yield from (value for value in values if isinstance(value, str))
    for name, files in request.FILES.lists():
        yield name
        yield from (file.name or "" for file in files)
