"""What all views of the API have in common: permissions, rate limits, and JSON responses."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, Throttled, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from notifications.api.authentication import (
    Caller,
    EngineCaller,
    KeyAuthentication,
    PersonCaller,
    SessionAuthentication,
)
from notifications.api.throttling import Bucket, throttle
from notifications.errors import ScopeMissing
from notifications.models import Engine, Recipient, Scope
from wfpush.web.problems import Refusal

ViewT = TypeVar("ViewT", bound=APIView)

GUESSES = frozenset({400, 401, 404, 410, 413, 415, 422})
"""Statuses of calls with an unknown key or token, or a wrong form; those of callers without a name are counted."""


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON response. It must not be cached, since it is one caller's own."""
    return HttpResponse(
        msgspec.json.encode(data),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def nothing() -> HttpResponse:
    return HttpResponse(status=204)


def validated(serializer: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """The members that a serializer knows, checked. Raises DRF's ValidationError, which becomes a 422 with pointers."""
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return cast(dict[str, Any], checked.validated_data)


def query_of(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """The query parameters that a serializer knows, checked. Each needs a value, and may be given once; an empty one
    counts as missing.

    Raises ValidationError.
    """
    query = request.query_params
    names = [str(name) for name in serializer().fields]
    twice = {name: ["Send this once."] for name in names if len(query.getlist(name)) > 1}
    if twice:
        raise ValidationError(twice)
    return validated(serializer, query.dict())


class OnlyJSON(BaseContentNegotiation):
    """All responses are JSON, whatever `Accept` says: a JSON answer is better than a refusal."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next((parser for parser in parsers if _reads(parser, request.content_type)), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


def _reads(parser: Any, content_type: str) -> bool:
    return bool(content_type.partition(";")[0].strip().lower() == parser.media_type)


def status_of(fault: Exception) -> int:
    """The status of a caller's failure; 0: the fault is not the caller's."""
    if isinstance(fault, ValidationError):
        return 422
    if isinstance(fault, Refusal):
        return fault.status
    if isinstance(fault, NotAuthenticated | AuthenticationFailed):
        return 401
    return fault.status_code if isinstance(fault, APIException) else 0


def caller_of(request: Request) -> Caller | None:
    return cast(Caller | None, request.auth)


class ApiView(APIView):
    content_negotiation_class = OnlyJSON
    metadata_class = None  # OPTIONS is only for the CloudEvents handshake
    throttle_classes = []

    def check_throttles(self, request: Request) -> None:
        caller = caller_of(request)
        if caller is not None:
            bucket: Bucket = "engine" if isinstance(caller, EngineCaller) else "person"
            self.count(bucket, caller.ident)

    def handle_exception(self, exc: Exception) -> Any:
        """Count failures of unknown callers, whether they guess or send what costs us work."""
        if status_of(exc) in GUESSES and getattr(self.request, "_auth", None) is None:
            try:
                self.count("stranger", str(self.request.META.get("REMOTE_ADDR", "")))
            except Throttled as too_many:
                exc = too_many
        return super().handle_exception(exc)

    def count(self, bucket: Bucket, ident: str) -> None:
        """Raises Throttled."""
        wait = throttle.wait(bucket, ident)
        if wait is not None:
            raise Throttled(wait=int(wait) + 1)


class IsEngine(BasePermission):
    """An engine's key with one of the scopes that the view requires for the method. Raises ScopeMissing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of(request)
        if caller is None:
            return False
        required: tuple[Scope, ...] = view.scopes_for(request.method)
        if not isinstance(caller, EngineCaller) or not caller.scopes & set(required):
            names = " or ".join(scope.value for scope in required)
            raise ScopeMissing(f"This needs an engine's API key with the scope {names}.")
        return True


class IsPerson(BasePermission):
    """A signed-in person or a recipient token. Raises ScopeMissing for engines."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of(request)
        if isinstance(caller, EngineCaller):
            raise ScopeMissing("This is a person's own: sign in, or use a recipient token (wfr_…).")
        return caller is not None


class EngineView(ApiView):
    """For engines. `scopes`: one of them is required."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [IsEngine]
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.EVENTS,)

    def scopes_for(self, method: str) -> tuple[Scope, ...]:
        return self.scopes

    def caller(self) -> EngineCaller:
        return cast(EngineCaller, self.request.auth)

    def engine(self) -> Engine:
        return self.caller().engine


class PersonView(ApiView):
    """For people."""

    authentication_classes = [KeyAuthentication, SessionAuthentication]
    permission_classes = [IsPerson]

    def caller(self) -> PersonCaller:
        return cast(PersonCaller, self.request.auth)

    def recipient(self) -> Recipient:
        return self.caller().recipient


def http_request(request: Request) -> HttpRequest:
    """Django's own request inside DRF's."""
    return request._request


def session_key(request: Request) -> str | None:
    return http_request(request).session.session_key
