"""The frame of all SCIM requests: the caller, limits, answers, refusals as SCIM errors, and the record of them."""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError
from scim2_models import Context, Error, InvalidSyntaxException, ListResponse, SCIMException, UnauthorizedException

from notifications.api.frame.parsing import body_of
from notifications.fixed_rows import RowIsFixed
from notifications.intake.strictjson import BadText, decode
from notifications.intake.throttling import Quota, throttle
from notifications.provisioning import tokens
from notifications.provisioning.departures import TooManyDepartures
from notifications.provisioning.models import ScimDirectory, ScimRequest, ScimToken
from notifications.provisioning.resources import PATH
from notifications.provisioning.schemas import POLICY
from notifications.provisioning.versions import ANY, tag_of, tags_in
from wfpush.web.problems import DATABASE_FAULTS, RETRY_SECONDS, Refusal
from wfpush.web.scim import CONTENT_TYPE

log = structlog.get_logger(__name__)

READ_TYPES = ("", CONTENT_TYPE, "application/json")
READS = ("GET", "HEAD")
GUESSES = frozenset({400, 401, 404, 405, 413, 415})
MAX_DETAIL = 500


class ScimRefusal(SCIMException):
    """A refusal with a status for which scim2-models has no exception. `headers` are added to the answer."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail=detail)
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}


@method_decorator(csrf_exempt, name="dispatch")
class ScimView(View):
    """The base of all SCIM views. `directory` and `now` are set before a method runs."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    directory: ScimDirectory
    now: datetime

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.now = timezone.now()
        token: ScimToken | None = None
        detail = ""
        try:
            token = tokens.authenticate(request, self.now)
            self.directory = token.directory
            _count("directory", f"token{token.pk}")
            with POLICY:
                response = self._run(request, **kwargs)
        except Exception as exc:
            error, headers = error_of(exc)
            response, detail = scim_response(error, int(error.status or 500), headers), error.detail or ""
            if isinstance(exc, TooManyDepartures):
                ScimDirectory.objects.filter(pk=exc.directory.pk).update(held_at=self.now)
        if token is not None:
            self._record(request, response.status_code, detail)
        elif response.status_code in GUESSES:
            response = _count_stranger(request, response)
        return response

    def _run(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        method = (request.method or "").lower()
        handler = getattr(self, "get" if method == "head" else method, None)
        if method not in self.http_method_names or handler is None:
            allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
            raise ScimRefusal(405, f"This address takes {', '.join(allowed)}.", Allow=", ".join(allowed))
        response: HttpResponse = handler(request, **kwargs)
        return response

    def _record(self, request: HttpRequest, status: int, detail: str) -> None:
        """Record changes and refusals. Reads that succeed, or find nothing, are not recorded."""
        if request.method in READS and (status < 400 or status == HTTPStatus.NOT_FOUND):
            return
        path = request.path_info.removeprefix(PATH)[:200]
        try:
            ScimRequest.objects.create(
                directory=self.directory, at=self.now, method=(request.method or "")[:10], path=path, status=status,
                detail=detail[:MAX_DETAIL],
            )  # fmt: skip
        except (*DATABASE_FAULTS, IntegrityError) as exc:
            log.warning("scim_request_not_recorded", directory=self.directory.pk, fault=str(exc))


def _count(bucket: Any, ident: str) -> None:
    usage = throttle.count(Quota.usual(bucket, ident))
    if usage.is_over:
        seconds = str(int(usage.seconds) + 1)
        raise ScimRefusal(429, f"Too many requests. Go on in {seconds} seconds.", Retry_After=seconds)


def _count_stranger(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Count a refused request of a stranger. Return the response, or that of one too many."""
    try:
        _count("stranger", str(request.META.get("REMOTE_ADDR", "")))
    except ScimRefusal as exc:
        error, headers = error_of(exc)
        return scim_response(error, exc.status, headers)
    return response


# --- bodies -----------------------------------------------------------------------------------------------------------
def payload_of(request: HttpRequest) -> Any:
    """Return the JSON of a body. Raises ScimRefusal, Malformed, TooLarge and BadText."""
    kind = (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if kind not in READ_TYPES:
        raise ScimRefusal(415, f"Send {CONTENT_TYPE}.")
    payload = decode(body_of(request))
    if not isinstance(payload, dict):
        raise InvalidSyntaxException(detail="Send a JSON object.")
    return payload


# --- answers ----------------------------------------------------------------------------------------------------------
def scim_response(
    message: Any, status: int = 200, headers: dict[str, str] | None = None, **options: Any
) -> HttpResponse:
    context = Context.RESOURCE_QUERY_RESPONSE if not isinstance(message, Error) else Context.DEFAULT
    shown = message.model_dump(scim_ctx=context, **options)
    if isinstance(message, ListResponse):
        shown.setdefault("Resources", [])  # Entra ID reads it in empty lists, too
    body = json.dumps(shown)
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)
    response["Cache-Control"] = "no-store"
    return response


def resource_response(request: HttpRequest, resource: Any, parameters: Any, status: int = 200) -> HttpResponse:
    """Return a resource with its version; 304 if the reader has this version."""
    tag = tag_of(resource)
    known = tags_in(request.headers.get("If-None-Match", ""))
    if request.method in READS and known & {tag, ANY}:
        return HttpResponse(status=304, headers={"ETag": tag, "Cache-Control": "no-store"})
    resource.meta.version = tag
    headers = {"ETag": tag, "Location": resource.meta.location}
    return scim_response(resource, status, headers, response_parameters=parameters)


# --- refusals ---------------------------------------------------------------------------------------------------------
def error_of(exc: Exception) -> tuple[Error, dict[str, str]]:
    """Return the SCIM error of an exception, and headers."""
    if isinstance(exc, SCIMException):
        return _with_detail(exc.to_error()), _headers_of(exc)
    if isinstance(exc, ValidationError):
        return _with_detail(Error.from_validation_errors(exc)[0]), {}
    if isinstance(exc, RowIsFixed):
        return Error(status=exc.status, detail=exc.detail), {}
    if isinstance(exc, BadText):
        return Error(status=400, scim_type="invalidValue", detail=exc.detail), {}
    if isinstance(exc, Refusal):
        error = Error(status=exc.status, scim_type=_SCIM_TYPES.get(exc.status), detail=exc.detail)
        return error, {"Retry-After": str(exc.seconds)} if isinstance(exc, TooManyDepartures) else {}
    if isinstance(exc, IntegrityError):
        log.info("scim_conflict", fault=str(exc))
        detail = "Somebody else has just taken this name, address or id. Read the resource again, then repeat."
        return Error(status=409, scim_type="uniqueness", detail=detail), {}
    if isinstance(exc, DATABASE_FAULTS):
        log.warning("database_away", fault=str(exc))
        detail = "The database cannot be used now. Nothing was stored; try again."
        return Error(status=503, detail=detail), {"Retry-After": str(RETRY_SECONDS)}
    log.exception("scim_failed")
    return Error(status=500, detail="The fault was recorded. Try again; if it stays, tell an administrator."), {}


_SCIM_TYPES = {400: "invalidSyntax", 422: "invalidValue"}


def _with_detail(error: Error) -> Error:
    error.detail = (error.detail or "")[:MAX_DETAIL]
    return error


def _headers_of(exc: SCIMException) -> dict[str, str]:
    if isinstance(exc, UnauthorizedException):
        return {"WWW-Authenticate": "Bearer"}
    return dict(getattr(exc, "headers", {}))
