"""Errors as problem+json (RFC 9457) for programs, and as pages for people, those of Django and DRF included."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

import structlog
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from rest_framework import exceptions

from wfpush.web import scim
from wfpush.web.bodylimit import too_long
from wfpush.web.pointers import bounded, cut, pointer

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"
MAX_DETAIL = 1_000
"""The most characters of a problem's sentence."""
RETRY_SECONDS = 2
"""The value of Retry-After, in seconds, while the database is away."""

DATABASE_FAULTS = (OperationalError, InterfaceError)
"""Errors of a database that cannot be used now (wfpush/postgres/driver.py). The caller should try again."""

TOO_LARGE = "A request body may have 1 MiB, a batch of CloudEvents or files 16 MiB. Send less at once."

_TITLES = {
    "too_late": "The engine has been told",
    "already_answered": "Somebody answered already",
    "already_handled": "The engine has closed the task",
    "bad_request": "The request cannot be understood",
    "changed": "What is to be decided has changed",
    "comment_required": "A comment is needed",
    "csrf_failed": "The CSRF token is missing or wrong",
    "event_id_reused": "The event's id was used before",
    "expired": "Past its time",
    "idempotency_key_reused": "The Idempotency-Key was used before",
    "invalid": "The request holds values that are not possible",
    "invalid_answer": "The answer holds values that are not possible",
    "invalid_values": "The values do not fit the form",
    "invalid_event": "This is not a valid event",
    "malformed": "The body is not strict JSON",
    "method_not_allowed": "This method is not possible here",
    "not_allowed": "This is not allowed",
    "not_found": "Nothing is there",
    "plan_outdated": "The plan is no longer the same",
    "scope_missing": "The key may not do this",
    "server_error": "Something went wrong on our side",
    "signature_required": "A signature is needed",
    "too_large": "Request body too large",
    "too_many_requests": "Too many requests",
    "unauthenticated": "Who is calling?",
    "unavailable": "Temporarily out of order",
    "unsupported_media_type": "This type of content is not read here",
    "withdrawn": "No longer yours",
}
_BY_STATUS = {
    400: ("bad_request", "The request cannot be understood. Compare it with the API's description at /api/docs."),
    403: ("not_allowed", "This is not allowed."),
    404: ("not_found", "There is nothing at this address, or nothing that is yours."),
    405: ("method_not_allowed", "This address does not take this method. The Allow header lists those it takes."),
    413: ("too_large", TOO_LARGE),
    415: ("unsupported_media_type", "Send application/json."),
    429: ("too_many_requests", "Wait for as long as Retry-After says."),
    500: ("server_error", "The fault was recorded. Try again; if it stays, tell the people who run this installation."),
    503: ("unavailable", "The database cannot be used now. Nothing was stored; try again."),
}
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Vary", "Set-Cookie")


@runtime_checkable
class Refusal(Protocol):
    """A failure of the apps, as it can be shown: code, status, sentence."""

    status: int
    code: str
    detail: str
    pointer: str
    extra: dict[str, Any]


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> HttpResponse:
    """Return the response that reports an error to a program. `extra` members are added to those of RFC 9457."""
    body = problem_json(status, code, detail, **extra)
    # ASCII, because a problem may repeat any text of the caller.
    return HttpResponse(json.dumps(body), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


def problem_json(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """Return the members of a problem. All problems are made here, so that none becomes too long."""
    if "errors" in extra:
        extra["errors"] = bounded(extra["errors"])
    detail = detail if len(detail) <= MAX_DETAIL else cut(detail, MAX_DETAIL)
    title = _TITLES.get(code) or HTTPStatus(status).phrase
    return {"type": f"/problems/{code}", "title": title, "status": status, "detail": detail, "code": code, **extra}


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """Return the members of a failure of a request, or of a part of one, such as one event of a batch."""
    return problem_json(refusal.status, refusal.code, refusal.detail, **_members(refusal))


def _members(refusal: Refusal) -> dict[str, Any]:
    """Return the extra members of a failure. A 422 always has a pointer to the fault."""
    if refusal.status != 422 or "errors" in refusal.extra:
        return refusal.extra
    return {"errors": [{"pointer": refusal.pointer, "detail": refusal.detail}], **refusal.extra}


def problem_of_status(status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return the problem of a status without further details."""
    code, detail = _BY_STATUS.get(
        status, ("bad_request" if status < 500 else "server_error", HTTPStatus(status).phrase)
    )
    return problem(status, code, detail, headers=headers)


def unavailable() -> HttpResponse:
    return problem_of_status(503, {"Retry-After": str(RETRY_SECONDS)})


# --- the API's views ------------------------------------------------------------------------------
def api_exception_handler(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return a problem for an exception: DRF's EXCEPTION_HANDLER. None: an internal error, for `server_error`."""
    if isinstance(exc, Refusal):
        wait = {"Retry-After": str(exc.seconds)} if hasattr(exc, "seconds") else {}
        return problem(exc.status, exc.code, exc.detail, headers=wait, **_members(exc))
    if isinstance(exc, DATABASE_FAULTS):
        log.warning("database_away", fault=str(exc))
        return unavailable()
    if isinstance(exc, RequestDataTooBig):
        return problem_of_status(413)
    if isinstance(exc, Http404):
        return problem_of_status(404)
    if isinstance(exc, PermissionDenied):
        return problem_of_status(403)
    if isinstance(exc, SuspiciousOperation):
        return problem_of_status(400)
    return _problem_of_drf(exc) if isinstance(exc, exceptions.APIException) else None


def _problem_of_drf(exc: exceptions.APIException) -> HttpResponse:
    if isinstance(exc, exceptions.ValidationError):
        return problem(422, "invalid", "Some values are not possible; see errors.", errors=_faults(exc.detail, ""))
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, int(wait)))
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        detail = (
            "Send a valid key as Authorization: Bearer … or X-API-Key, or sign in. It may be wrong, revoked or expired."
        )
        return problem(401, "unauthenticated", detail, headers=headers)
    return problem_of_status(exc.status_code, headers)


def _faults(detail: Any, here: str) -> Iterator[dict[str, str]]:
    """Yield DRF's nested messages as faults with JSON pointers."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _faults(inner, here if name == "non_field_errors" else pointer(here, str(name)))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _faults(inner, f"{here}/{index}" if nested else here)
    else:
        yield {"pointer": here, "detail": str(detail)}


# --- other views ----------------------------------------------------------------------------------
class ProblemMiddleware:
    """Refuses bodies with a too large Content-Length under /api/, and turns every error there into a problem."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        length, kind = (
            request.META.get(name, "").encode("latin-1", "replace") for name in ("CONTENT_LENGTH", "CONTENT_TYPE")
        )
        if too_long(length, kind, request.path_info):
            return problem_of_status(413)
        response = self.get_response(request)
        if response.status_code < 400 or response.headers.get("Content-Type") == CONTENT_TYPE:
            return response
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return problem_of_status(response.status_code, headers)


def wants_problem(request: HttpRequest) -> bool:
    """Return whether the caller is a program: a caller of the API, or one that asks for JSON rather than a page."""
    if request.path_info.startswith(API_PREFIX):
        return True
    return request.get_preferred_type(["text/html", "application/json", CONTENT_TYPE]) not in (None, "text/html")


def error_response(request: HttpRequest, status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return the problem, SCIM's error, or the page of a status."""
    if scim.is_wanted(request.META.get("CONTENT_TYPE", ""), request.META.get("HTTP_ACCEPT", "")):
        body = json.dumps(scim.error_json(status, _BY_STATUS[status][1]))
        return HttpResponse(body, status=status, content_type=scim.CONTENT_TYPE, headers=dict(headers or {}))
    if wants_problem(request):
        return problem_of_status(status, headers)
    code, detail = _BY_STATUS[status]
    try:
        response = render(request, f"errors/{status}.html", {"status": status, "code": code}, status=status)
    except Exception:  # the cause, such as a database that is away, may break the error page, too
        log.exception("error_page_failed", status=status)
        response = HttpResponse(detail, status=status, content_type="text/plain; charset=utf-8")
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, SessionInterrupted) and _is_outage(exception):
        return error_response(request, 503, {"Retry-After": str(RETRY_SECONDS)})
    return error_response(request, 400)


def _is_outage(fault: BaseException | None) -> bool:
    """Return whether an unusable database caused the error. Django takes a session that cannot be written for a deleted
    one."""
    while fault is not None and not isinstance(fault, DATABASE_FAULTS):
        fault = fault.__context__
    return fault is not None


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer while the exception is handled. An outage of the database is answered 503, not 500."""
    if isinstance(sys.exc_info()[1], DATABASE_FAULTS):
        return error_response(request, 503, {"Retry-After": str(RETRY_SECONDS)})
    return error_response(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if wants_problem(request):
        return problem(403, "csrf_failed", f"{reason or 'The CSRF token is missing.'} Send it as X-CSRFToken.")
    return error_response(request, 403)
