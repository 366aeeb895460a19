"""A log line for each request: its method and path, and of its parameters the names alone.

What people search for, and what files are called, is not for logs. Paths with somebody's ref are redacted with
everything else (wfpush/security/redaction.py).
"""

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

MOST = 20
"""Names of parameters in a line."""


class RequestLogMiddleware(RequestMiddleware):
    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """The address that ClientAddressMiddleware found. django-structlog believes whatever a client writes into
        X-Forwarded-For."""
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR", ""))

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        names = "&".join([*request.GET][:MOST])
        return f"{request.method} {request.path}?{names}" if names else f"{request.method} {request.path}"
