"""The base classes of the API's views: permissions, rate limits, and JSON responses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

import msgspec
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, Throttled, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from notifications.api.frame.authentication import (
    Caller,
    EngineCaller,
    KeyAuthentication,
    PersonCaller,
    SessionAuthentication,
)
from notifications.errors import ScopeMissing
from notifications.inbox.sign_in.session import person_of_session
from notifications.intake import throttling
from notifications.intake.throttling import Quota, Usage, throttle
from notifications.models import Engine, Recipient, RecipientToken, Scope
from wfpush.web.problems import Refusal

GUESSES = frozenset({400, 401, 404, 410, 413, 415, 422})
"""Statuses of calls with an unknown key or token, or with invalid input. Such calls without a caller are counted."""


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return a JSON response. It must not be cached, since it is one caller's own."""
    return HttpResponse(
        msgspec.json.encode(data),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def nothing() -> HttpResponse:
    return HttpResponse(status=204)


def validated(serializer: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return the checked members that a serializer knows. Raises DRF's ValidationError, a 422 with pointers."""
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return cast(dict[str, Any], checked.validated_data)


def query_of(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """Return the checked query parameters; each may be given once, and needs a value. Raises ValidationError."""
    query = request.query_params
    names = [str(name) for name in serializer().fields]
    twice = {name: ["Send this once."] for name in names if len(query.getlist(name)) > 1}
    if twice:
        raise ValidationError(twice)
    return validated(serializer, query.dict())


class OnlyJSON(BaseContentNegotiation):
    """Content negotiation that always answers JSON, whatever `Accept` says: a JSON answer is better than a refusal."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        media_type = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


def status_of(fault: Exception) -> int:
    """Return the HTTP status of a failure that the caller caused; 0 for other failures."""
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
    usages: Sequence[Usage] = ()
    """What is left of the caller's quotas after this call."""

    def check_throttles(self, request: Request) -> None:
        caller = caller_of(request)
        for quota in caller.quotas if caller is not None else ():
            self.count(quota)

    def handle_exception(self, exc: Exception) -> Any:
        """Count failures of unknown callers: guesses at keys, and requests that cost work."""
        if status_of(exc) in GUESSES and getattr(self.request, "_auth", None) is None:
            try:
                self.count(Quota.usual("stranger", str(self.request.META.get("REMOTE_ADDR", ""))))
            except Throttled as too_many:
                exc = too_many
        return super().handle_exception(exc)

    def count(self, quota: Quota) -> None:
        """Count a call. Raises Throttled if the caller has none left."""
        usage = throttle.count(quota)
        self.note_usage(usage)
        if usage.is_over:
            raise Throttled(wait=int(usage.seconds) + 1)

    def charge(self, events: int) -> None:
        """Count further events of an accepted request: a batch may take more than the caller has left."""
        caller = caller_of(self.request)
        for quota in caller.quotas if caller is not None else ():
            self.note_usage(throttle.count(quota, events))

    def note_usage(self, usage: Usage) -> None:
        """Note what the response says of the caller's limits."""
        self.usages = [*(each for each in self.usages if each.quota.bucket != usage.quota.bucket), usage]

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answered = super().finalize_response(request, response, *args, **kwargs)
        for name, value in throttling.headers(self.usages).items():
            answered[name] = value
        return answered


class IsEngine(BasePermission):
    """Admits an engine's key with one of the scopes that the view requires for the method. Raises ScopeMissing."""

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
    """Admits a signed-in person or a recipient token. Raises ScopeMissing for engines."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of(request)
        if isinstance(caller, EngineCaller):
            raise ScopeMissing("This is a person's own: sign in, or use a recipient token (wfr_…).")
        return caller is not None


class IsEngineOrPerson(IsPerson):
    """Admits a person, or an engine's key with the scope `events`. Raises ScopeMissing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of(request)
        if isinstance(caller, EngineCaller):
            if Scope.EVENTS not in caller.scopes:
                raise ScopeMissing(f"This needs an engine's API key with the scope {Scope.EVENTS.value}.")
            return True
        return super().has_permission(request, view)


class EngineView(ApiView):
    """The base of views for engines. One of the `scopes` is required."""

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
    """The base of views for people."""

    authentication_classes = [KeyAuthentication, SessionAuthentication]
    permission_classes = [IsPerson]

    def caller(self) -> PersonCaller:
        return cast(PersonCaller, self.request.auth)

    def recipient(self) -> Recipient:
        return self.caller().recipient

    def hold_sign_in(self, now: datetime) -> None:
        """Lock the caller's sign-in. Call this in the transaction that creates a token or a device. Raises
        NotAuthenticated if the sign-in has ended.

        Requests that sign the person out, close the account or change the password wait for the end of the transaction.
        They then revoke its token or device. The person's row is locked first. `revocation.settle` locks it, too, so
        this check runs entirely before or after it.
        """
        Recipient.objects.select_for_update(no_key=True).only("pk").get(pk=self.recipient().pk)
        token, person = self.caller().token, None
        if token is not None:
            tokens = RecipientToken.objects.filter(pk=token.pk, revoked_at=None).select_related("recipient__user")
            row = tokens.select_for_update(of=("self",), no_key=True).first()
            person = row.recipient if row is not None else None
        else:
            key = session_key(self.request)
            sessions = Session.objects.filter(session_key=key, expire_date__gt=now).select_for_update(no_key=True)
            person = person_of_session(key) if sessions.exists() else None
        if person is None or person.pk != self.recipient().pk or not person.may_act:
            raise NotAuthenticated


class EngineOrPersonView(ApiView):
    """The base of views for people, and for engines' keys with the scope `events`."""

    authentication_classes = [KeyAuthentication, SessionAuthentication]
    permission_classes = [IsEngineOrPerson]

    def caller(self) -> Caller:
        return cast(Caller, self.request.auth)


def http_request(request: Request) -> HttpRequest:
    """Return Django's own request inside DRF's."""
    return request._request


def session_key(request: Request) -> str | None:
    return http_request(request).session.session_key
