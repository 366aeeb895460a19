"""People's own accounts at engines: connected once in the browser, renewed automatically, used for their answers."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.connectors import readable, reasons
from notifications.connectors.access import Access, Ask, EngineClient
from notifications.connectors.base import Misconfigured
from notifications.connectors.oauth2 import AccessRefused, Grant, new_secret, read_grant, unreachable, useful, way_there
from notifications.connectors.rest import access_of
from notifications.engines import callback_results, requeue
from notifications.models import (
    CLOSED,
    AuthKind,
    Callback,
    CallbackState,
    ConnectedAccount,
    Engine,
    EngineAccess,
    InTheNameOf,
    Notification,
    NotificationState,
    PersonalSignIn,
    Recipient,
)
from notifications.reasons import Reason
from wfpush.concurrency.slots import SlotsTaken
from wfpush.concurrency.threads import in_database_thread
from wfpush.crypto import UndecryptableSecret
from wfpush.net.http import OutboundError, Response, outbound_from_settings
from wfpush.web import waiting_threads

log = structlog.get_logger(__name__)

RENEWING = timedelta(seconds=60)
"""Time for which one process may renew a token; longer than a token server may take to answer."""
SOON = 2.0
"""Seconds after which a process that waits for another's renewal checks again."""
NO_TOKENS = {"access_token": "", "refresh_token": ""}
"""The token fields of an account that has ended."""


class NotConnected(Exception):
    """Raised when an answer must go in its person's name, and no account is connected. The reason is for operators."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(str(reason))


class ConnectionFailed(Exception):
    """Raised when no account was connected, with a sentence for the person."""


# --- whose account is used --------------------------------------------------------------------------------------------
def tokens_for(callback: Callback) -> "Tokens | None":
    """Return the person's tokens; None if the answer goes in our name. Raises NotConnected and Misconfigured."""
    if callback.response is None or callback.engine.kind not in readable():
        return None
    personal = PersonalSignIn.objects.filter(engine=callback.engine_id).exclude(mode=InTheNameOf.SERVICE).first()
    if personal is None:
        return None
    person = callback.response.recipient
    account = ConnectedAccount.objects.filter(engine=callback.engine_id, recipient=person, ended_at=None).first()
    if account is not None and account.given_for == addresses_of(callback.engine):
        return Tokens(account.pk)
    if account is not None:
        _end(account, reasons.OTHER_ADDRESS(), timezone.now())
    if personal.mode == InTheNameOf.EITHER or _may_use_our_sign_in(callback):
        return None
    if not person.active:
        raise Misconfigured(reasons.NOT_ACTIVE(name=person))
    raise NotConnected(reasons.WAITS_FOR_PERSON(name=person))


def _may_use_our_sign_in(callback: Callback) -> bool:
    """Return whether the call may go in our name after all: it decides nothing, or only looks up an earlier call."""
    assert callback.response is not None
    decides = callback.response.effect == "final" and callback.task.state not in CLOSED
    return not decides and EngineAccess.objects.filter(engine=callback.engine_id).exclude(auth=AuthKind.NONE).exists()


def addresses_of(engine: Engine) -> str:
    """Return the origins to which people's tokens are sent. Tokens for one origin are not sent to another."""
    urls = (urlsplit(url) for url in (engine.callback_url, engine.personal.token_url))
    return " ".join(f"{parts.scheme}://{parts.netloc}".lower() for parts in urls)


def connectable() -> QuerySet[Engine]:
    """Return the engines at which people can connect accounts."""
    engines = Engine.objects.filter(active=True, kind__in=readable(), personal__isnull=False)
    return engines.exclude(personal__mode=InTheNameOf.SERVICE).select_related("personal").order_by("name")


def shown_to(person: Recipient) -> QuerySet[Engine]:
    """Return connectable engines, and others where the person is still connected, so that they can disconnect."""
    own = ConnectedAccount.objects.filter(recipient=person, ended_at=None, engine__personal__isnull=False)
    either = Q(pk__in=connectable().order_by().values("pk")) | Q(pk__in=own.order_by().values("engine"))
    return Engine.objects.filter(either).select_related("personal").order_by("name")


def missing_for(person: Recipient) -> QuerySet[Engine]:
    """Return engines that need the person's own account for open or waiting answers, and do not have it."""
    copies = Notification.objects.filter(
        recipient=person, state=NotificationState.OPEN, task__engine=OuterRef("pk")
    ).exclude(actions=[])
    account = ConnectedAccount.objects.filter(recipient=person, engine=OuterRef("pk"), ended_at=None)
    wait = Q(Exists(copies)) | Q(Exists(waiting(person).filter(engine=OuterRef("pk"))))
    return connectable().filter(wait, ~Exists(account), personal__mode=InTheNameOf.PERSON)


def waiting(person: Recipient) -> QuerySet[Callback]:
    """Return the person's answers that their engine does not have yet."""
    return Callback.objects.filter(response__recipient=person, state=CallbackState.WAITING)


# --- connecting -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SignIn:
    """A sign-in that has begun, kept in the session until the browser comes back with `state`."""

    state: str = field(default_factory=new_secret)
    verifier: str = field(default_factory=new_secret)


def address_of(engine: Engine, sign_in: SignIn) -> str:
    """Return the address where the person signs in."""
    personal = engine.personal
    return way_there(
        personal.authorize_url,
        client_id=personal.client_id,
        scope=personal.scope,
        redirect_uri=way_back(engine),
        **vars(sign_in),
    )


def way_back(engine: Engine) -> str:
    """Return the engine's own redirect address: no server's code can be taken for another's (RFC 9700, 4.4.2)."""
    return f"{settings.BASE_URL}{reverse('inbox:account-return', args=[engine.slug])}"


def connect(engine: Engine, person: Recipient, sign_in: SignIn, code: str, now: datetime) -> ConnectedAccount:
    """Exchange the code of a sign-in for tokens, store them, and send the answers that waited for them. Raises
    ConnectionFailed."""
    try:
        with waiting_threads.slots.hold(person=person.pk, host=urlsplit(engine.personal.token_url).hostname):
            grant = _exchanged(engine, sign_in, code)
    except SlotsTaken as taken:
        sentence = _("Many people are connecting accounts at the moment. Please try again in half a minute.")
        raise ConnectionFailed(sentence) from taken
    if _is_somebody_else(engine, person, grant.name):
        sentence = _(
            "You are signed in there as %(name)s, who is somebody else here. Sign out there, then connect again."
        )
        raise ConnectionFailed(sentence % {"name": grant.name})
    account, _created = ConnectedAccount.objects.update_or_create(
        engine=engine,
        recipient=person,
        defaults={
            "name": grant.name,
            "given_for": addresses_of(engine),
            "access_token": grant.token,
            "refresh_token": grant.refresh,
            "expires_at": now + timedelta(seconds=useful(grant.life)),
            "renewing_until": None,
            "connected_at": now,
            "ended_at": None,
            "end_reason_fact": None,
        },
    )
    callback_results.connected(engine, person, now)
    requeue.hurry_callbacks(engine, now, of=person)
    log.info("account_connected", engine=engine.slug, person=person.pk)
    return account


def _is_somebody_else(engine: Engine, person: Recipient, name: str) -> bool:
    """Return whether the account that the engine names belongs to another person: with one account, two people could
    get round four eyes."""
    if not name:
        return False
    shared = ConnectedAccount.objects.filter(engine=engine, name__iexact=name, ended_at=None)
    staff = Recipient.objects.filter(active=True, engine=None)
    namesakes = staff.filter(Q(ref__iexact=name) | Q(email__iexact=name, email_verified=True))
    return shared.exclude(recipient=person).exists() or (
        namesakes.exclude(pk=person.pk).exists() and not namesakes.filter(pk=person.pk).exists()
    )


def _exchanged(engine: Engine, sign_in: SignIn, code: str) -> Grant:
    personal = engine.personal
    try:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": way_back(engine),
            "client_id": personal.client_id,
            "client_secret": personal.client_secret,
            "code_verifier": sign_in.verifier,
        }
        response = asyncio.run(_ask(access_of(engine), personal.token_url, form))
        return read_grant(response, (personal.client_secret, code, sign_in.verifier))
    except OutboundError as fault:
        log.warning("account_not_connected", engine=engine.slug, detail=fault.detail)
        raise ConnectionFailed(_("%(engine)s could not be reached. Please try again.") % {"engine": engine}) from fault
    except (AccessRefused, UndecryptableSecret) as fault:
        log.warning("account_not_connected", engine=engine.slug, detail=str(fault))
        detail = fault.reason.words() if isinstance(fault, AccessRefused) else str(fault)
        sentence = _("%(engine)s did not let us in: %(detail)s")
        raise ConnectionFailed(sentence % {"engine": engine, "detail": detail}) from fault


async def _ask(access: Access, url: str, form: dict[str, str]) -> Response:
    async with EngineClient(outbound_from_settings()) as line:
        return await line.ask(access, url, form)


def disconnect(engine: Engine, person: Recipient) -> bool:
    """End the connection. Return False when there was none. Answers in the person's name go on waiting."""
    deleted, _by_model = ConnectedAccount.objects.filter(engine=engine, recipient=person).delete()
    if deleted:
        log.info("account_disconnected", engine=engine.slug, person=person.pk)
    return bool(deleted)


def mode_changed(engine: Engine, now: datetime) -> None:
    """Try all waiting answers again after the mode has changed, since another sign-in may be used for them now."""
    callback_results.connected(engine, None, now)
    requeue.hurry_callbacks(engine, now)


def _end(account: ConnectedAccount, reason: Reason, now: datetime) -> None:
    """End the connection: the person has to connect again."""
    still = ConnectedAccount.objects.filter(pk=account.pk, ended_at=None)
    if still.update(ended_at=now, renewing_until=None, end_reason_fact=reason.as_json(), **NO_TOKENS):
        log.warning("account_ended", account=account.pk, detail=str(reason))


# --- tokens -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Renewal:
    """A request for new tokens, and the time `until` which this process may make it."""

    url: str
    form: dict[str, str]
    until: datetime


class Tokens:
    """The tokens of one person at one engine, stored in the database: implements connectors.access.PersonsTokens."""

    def __init__(self, account: int) -> None:
        self._account = account
        self._asked_with: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"account:{self._account}"

    def secrets(self) -> tuple[str, ...]:
        return self._asked_with

    async def token(self, ask: Ask, refused: str) -> str:
        """Return a valid token, renewed if necessary. Raises AccessRefused."""
        token_or_renewal = await in_database_thread(self._read_token, refused, timezone.now())
        return await self._renew(ask, token_or_renewal) if isinstance(token_or_renewal, _Renewal) else token_or_renewal

    async def _renew(self, ask: Ask, renewal: _Renewal) -> str:
        secrets = (renewal.form["refresh_token"], renewal.form["client_secret"])
        self._asked_with = secrets
        try:
            grant = read_grant(await ask(renewal.url, renewal.form), secrets)
        except (OutboundError, AccessRefused) as fault:
            refusal = unreachable(fault) if isinstance(fault, OutboundError) else fault
            await in_database_thread(self._not_renewed, renewal, refusal)
            raise (_connection_ended() if refusal.ended else refusal) from fault
        await in_database_thread(self._renewed, renewal, grant, timezone.now())
        return grant.token

    # --- in the database's thread -----------------------------------------------------------------
    def _read_token(self, refused: str, now: datetime) -> str | _Renewal:
        """Return a valid token, or the request for a new one. Raises AccessRefused."""
        try:
            with transaction.atomic():
                accounts = ConnectedAccount.objects.select_for_update(of=("self",)).select_related("engine__personal")
                account = accounts.filter(pk=self._account, ended_at=None, engine__personal__isnull=False).first()
                works = account is not None and account.access_token != refused and account.expires_at > now
                token = account.access_token if account is not None and works else None
                renewal = self._reserve_renewal(account, now) if account is not None and not works else None
        except UndecryptableSecret as fault:
            raise AccessRefused(str(fault), later=False) from fault
        if (way := token or renewal) is None:
            raise _connection_ended()
        return way

    def _reserve_renewal(self, account: ConnectedAccount, now: datetime) -> _Renewal | None:
        """Reserve the renewal here. Return None if the server gave no refresh token. Raises AccessRefused."""
        personal = account.engine.personal
        if not account.refresh_token:
            _end(account, reasons.NOBODY_STAYS(), now)
            return None
        if account.renewing_until is not None and account.renewing_until > now:
            raise AccessRefused(reasons.JUST_RENEWED(), later=True, wait=SOON)
        account.renewing_until = now + RENEWING
        account.save(update_fields=["renewing_until"])
        form = {
            "grant_type": "refresh_token",
            "refresh_token": account.refresh_token,
            "client_id": personal.client_id,
            "client_secret": personal.client_secret,
        }
        return _Renewal(personal.token_url, form, account.renewing_until)

    def _renewed(self, renewal: _Renewal, grant: Grant, now: datetime) -> None:
        """Store the new tokens, unless the person has connected again meanwhile. Servers that return no new refresh
        token go on accepting the old one."""
        account = self._own_renewal(renewal).first()
        if account is None:
            return
        account.access_token = grant.token
        account.refresh_token = grant.refresh or account.refresh_token
        account.expires_at = now + timedelta(seconds=useful(grant.life))
        account.renewing_until = None
        account.save(update_fields=["access_token", "refresh_token", "expires_at", "renewing_until"])

    def _not_renewed(self, renewal: _Renewal, fault: AccessRefused) -> None:
        account = self._own_renewal(renewal).first()
        if account is not None and fault.ended:
            _end(account, fault.reason, timezone.now())
        elif account is not None:
            self._own_renewal(renewal).update(renewing_until=None)

    def _own_renewal(self, renewal: _Renewal) -> QuerySet[ConnectedAccount]:
        return ConnectedAccount.objects.filter(pk=self._account, renewing_until=renewal.until)


def _connection_ended() -> AccessRefused:
    return AccessRefused(reasons.CONNECT_ANEW(), later=True)
