"""Identifies the caller: an engine by its key or signature, a person by token or session (docs/api/general.md, "Who may
call")."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import structlog
from django.contrib.auth.models import User
from django.db.models import Model, Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from notifications.api.frame.parsing import body_of
from notifications.connectors import credentials, signatures
from notifications.errors import CsrfFailed
from notifications.inbox.sign_in.session import assurance_of, session_digest
from notifications.intake import api_keys
from notifications.intake.api_keys import EngineKey
from notifications.intake.throttling import Quota
from notifications.models import ApiKey, Brand, Engine, Recipient, RecipientToken, Scope, Via
from wfpush.crypto import API_KEY_PREFIX, RECIPIENT_TOKEN_PREFIX, UndecryptableSecret, digest_of
from wfpush.postgres.prefetch import JoinedTables, Table

log = structlog.get_logger(__name__)

USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class EngineCaller:
    """A calling engine. `quotas` limit its calls, by its key and by itself. `lately` is the key as cached from an
    earlier call, which has to be compared with its row; None if the key was read for this call."""

    engine: Engine
    scopes: frozenset[str]
    quotas: tuple[Quota, ...]
    lately: EngineKey | None = None


@dataclass(frozen=True)
class PersonCaller:
    """A calling person. `via`, such as API or inbox, is stored with their answers, and so is the `assurance` of their
    session. `session`: the digest of its key; empty for tokens."""

    recipient: Recipient
    via: Via
    token: RecipientToken | None = None
    assurance: str = ""
    session: str = ""

    @property
    def quotas(self) -> tuple[Quota, ...]:
        return (Quota.usual("person", str(self.recipient.pk)),)


Caller = EngineCaller | PersonCaller
AuthResult = tuple[Any, Caller]
"""The result that DRF expects: a user, and `request.auth`. The user is None for callers with keys."""


class Authentication(BaseAuthentication):
    challenge: ClassVar[str] = "Bearer"

    def authenticate_header(self, request: Request) -> str:
        return self.challenge


class KeyAuthentication(Authentication):
    """Authentication by `Authorization: Bearer wfp_…` or `wfr_…`, or by `X-API-Key: wfp_…`.

    Views of events accept a key as cached from an earlier call (`goes_by_lately_read`). They compare it with its row
    before they answer (`Handshaking`).
    """

    def authenticate(self, request: Request) -> AuthResult | None:
        credential = key_in(request._request)
        if credential is None:
            return None
        now = timezone.now()
        if credential.startswith(API_KEY_PREFIX):
            goes_by_lately_read = getattr(request.parser_context.get("view"), "goes_by_lately_read", False)
            return None, _engine_of_key(digest_of(credential), now, goes_by_lately_read=goes_by_lately_read)
        if credential.startswith(RECIPIENT_TOKEN_PREFIX):
            return None, _person_of_token(credential, now)
        raise AuthenticationFailed


def key_in(request: HttpRequest) -> str | None:
    authorization = request.META.get("HTTP_AUTHORIZATION")
    if authorization is not None:
        scheme, _, credential = str(authorization).partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed
        return credential.strip()
    key = request.META.get("HTTP_X_API_KEY")
    if key is None:
        return None
    if not key.startswith(API_KEY_PREFIX):
        raise AuthenticationFailed
    return str(key)


def _engine_of_key(digest: str, now: datetime, *, goes_by_lately_read: bool = False) -> EngineCaller:
    lately = api_keys.lately_read.get(digest, now) if goes_by_lately_read else None
    key = lately or api_keys.lately_read.fresh(digest, now)
    if key is None:
        raise AuthenticationFailed
    if note_use(ApiKey, key.pk, key.last_used_at, now):
        api_keys.lately_read.keep([replace(key, last_used_at=now)], now)
    engine = key.engine()
    return EngineCaller(engine, key.scopes, _quotas(f"key{key.pk}", key.limit, engine.pk, key.engine_limit), lately)


def _quotas(ident: str, limit: int | None, engine: int, of_engine: int | None) -> tuple[Quota, ...]:
    """Return the quotas of a key, or of signed calls in place of one, and of its engine, if that has a limit."""
    own = Quota("key", ident, limit) if limit is not None else Quota.usual("key", ident)
    return (own, Quota("engine", str(engine), of_engine)) if of_engine is not None else (own,)


def read_again(caller: EngineCaller) -> EngineCaller:
    """Return the caller with its key and engine read again. Raises AuthenticationFailed."""
    return _engine_of_key(caller.lately.digest, timezone.now()) if caller.lately is not None else caller


_TOKENS = JoinedTables(token=Table(RecipientToken), person=Table(Recipient), brand=Table(Brand), account=Table(User))
_BY_TOKEN = f"""
SELECT {_TOKENS.columns}
FROM notifications_recipienttoken token JOIN notifications_recipient person ON person.id = token.recipient_id
    LEFT JOIN notifications_brand brand ON brand.id = person.brand_id
    LEFT JOIN auth_user account ON account.id = person.user_id
WHERE token.digest = %s
"""


def _person_of_token(credential: str, now: datetime) -> PersonCaller:
    for token, person, brand, account in _TOKENS.read(_BY_TOKEN, [digest_of(credential)]):
        token.recipient, person.brand, person.user = person, brand, account
        if token.usable and person.may_act:
            note_use(RecipientToken, token.pk, token.last_used_at, now)
            return PersonCaller(person, Via.API, token)
    raise AuthenticationFailed


def note_use(model: type[Model], pk: int, last: datetime | None, now: datetime) -> bool:
    """Record a use of a key or token, at most once a minute to save writes. Return whether it was due."""
    before = now - USE_NOTED_EVERY
    if last is not None and last >= before:
        return False
    stale = Q(last_used_at=None) | Q(last_used_at__lt=before)
    model._default_manager.filter(stale, pk=pk).update(last_used_at=now)
    return True


class SessionAuthentication(Authentication):
    """Authentication by the session of a signed-in person, whom RecipientMiddleware has found. Raises CsrfFailed."""

    def authenticate(self, request: Request) -> AuthResult | None:
        http = request._request
        recipient: Recipient | None = getattr(http, "recipient", None)
        if recipient is None:
            return None
        _check_csrf(http)
        how = assurance_of(http)
        return http.user, PersonCaller(recipient, Via.of_pages(recipient), None, how, session_digest(http))


def _check_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(lambda request: None)  # type: ignore[arg-type]  # only its checks are used
    check.process_request(request)
    reason = check.process_view(request, None, (), {})  # type: ignore[arg-type]  # no view, so none is exempt
    if reason:
        raise CsrfFailed(f"{reason} Send the token of the page as X-CSRFToken.")


class SignatureAuthentication(Authentication):
    """Authentication by Standard Webhooks headers on `engines/{slug}/events`, in place of a key."""

    def authenticate(self, request: Request) -> AuthResult | None:
        if not any(name in request.headers for name in ("webhook-id", "webhook-timestamp", "webhook-signature")):
            return None
        now = timezone.now()
        engines = Engine.objects.select_related("limit")
        engine = engines.filter(slug=request.parser_context["kwargs"]["slug"], active=True).first()
        secrets = _secrets_of(engine, now) if engine is not None else []
        try:
            signatures.verify(secrets, request.headers, body_of(request._request), now.timestamp())
        except signatures.SignatureError as wrong:
            log.info("signature_refused", engine=engine and engine.slug, reason=wrong.detail)
            raise AuthenticationFailed from None
        assert engine is not None  # nothing can be verified without a secret
        limit = engine.limit.most if hasattr(engine, "limit") else None
        quotas = _quotas(f"signed{engine.pk}", None, engine.pk, limit)
        return None, EngineCaller(engine, frozenset({Scope.EVENTS.value}), quotas)


def _secrets_of(engine: Engine, now: datetime) -> list[str]:
    secrets = []
    for row in credentials.active_secrets(engine, now):
        try:
            secrets.append(row.secret)
        except UndecryptableSecret:
            log.error("signing_secret_unreadable", engine=engine.slug, secret=row.pk)
    return secrets
