"""E-mails about security, as due work: each is sent once, and tried again while the mail server does not take it."""

import time
from datetime import datetime, timedelta

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from notifications.channels.email.channel import server
from notifications.channels.email.facts import FACTS
from notifications.channels.email.transport import Email
from notifications.errors import TransportError
from notifications.models import Recipient
from notifications.people.brands import brand_for
from notifications.second_factors.models import MailKind, SecurityMail
from notifications.types import Message
from notifications.wording.directions import all_apart
from notifications.wording.languages import spoken
from notifications.wording.message import base_of, brand_of
from wfpush.observability import services
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "security_mails"
LEASE = timedelta(minutes=2)
RETRY = outbox.Backoff(give_up_after=timedelta(days=2), tries=5)
RETENTION = timedelta(days=30)


def order(request: HttpRequest, user: AbstractBaseUser, kind: MailKind, *, name: str = "") -> None:
    """Order an e-mail to the user, in the caller's transaction. `name`: see SecurityMail."""
    now = timezone.now()
    SecurityMail.objects.create(
        user_id=user.pk,
        kind=kind,
        name=name[:200],
        address=request.META.get("REMOTE_ADDR", "")[:45],
        browser=request.headers.get("User-Agent", "")[:300],
        created_at=now,
        **outbox.scheduled(now),
    )
    outbox.wake_on_commit(SOURCE_NAME)


def older_than(time: datetime) -> QuerySet[SecurityMail]:
    return SecurityMail.objects.filter(created_at__lt=time, due_at=None)


# --- the outbox's source ----------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return outbox.due(SecurityMail.objects.all(), now).exists()


def has_late(before: datetime) -> bool:
    """Return whether mails are late for lack of workers. Those for a server that takes none are not counted."""
    kind, name = _server()
    return name not in services.held_names(kind, timezone.now()) and has_due(before)


def drain() -> None:
    """Send due mails, for one turn; if something is left, the source is woken again."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        if not _send_next():
            return
    outbox.source_named(SOURCE_NAME).wake()


def _send_next() -> bool:
    """Send one mail. Return whether there was one."""
    claimed = outbox.claim(SecurityMail.objects.all(), limit=1, lease=LEASE, now=timezone.now())
    for mail in claimed:
        now = timezone.now()
        if services.is_left_alone(_server(), now):
            outbox.put_back(mail, now + services.JUST_TRIED)
        else:
            _send_safely(mail, now)
    return bool(claimed)


def _server() -> services.Service:
    return FACTS.name, server()


def _send_safely(mail: SecurityMail, now: datetime) -> None:
    try:
        _send(mail, now)
    except TransportError as fault:
        again = None if fault.permanent else RETRY.next_at(mail.attempts, mail.created_at, now)
        log.warning("security_mail_failed", mail=str(mail.pk), fault=fault.detail, again=again)
        outbox.postpone(mail, again, detail=fault.detail[:500])
    except Exception as fault:  # any fault must cost one mail at most
        if outage.database_is_away(fault):
            raise
        log.exception("security_mail_crashed", mail=str(mail.pk))
        outbox.postpone(mail, RETRY.next_at(mail.attempts, mail.created_at, now), detail=type(fault).__name__)


def _send(mail: SecurityMail, now: datetime) -> None:
    """Send a mail to the person's address, else to the account's. Raise TransportError."""
    user = User.objects.get(pk=mail.user_id)
    person = Recipient.objects.select_related("brand").filter(user=user).first()
    address = (person.email if person is not None else "") or user.email
    if not address:
        outbox.finish(mail, detail="No e-mail address.")
        return
    message = _message(mail, person)
    Email().send(address, message, delivery_id=mail.pk, link=message.url)
    outbox.finish(mail, sent_at=now, detail="")
    services.report_works(_server(), timezone.now(), now)


# --- words ------------------------------------------------------------------------------------------------------------
def _message(mail: SecurityMail, person: Recipient | None) -> Message:
    brand = brand_for(person) if person is not None else None
    language = spoken(person.locale if person is not None else "")
    with translation.override(language):
        title, text = _words(mail)
        page = reverse("admin:index") if mail.kind == MailKind.EMERGENCY else reverse("mfa_index")
        why = _("You cannot unsubscribe from e-mails about the security of accounts.")
        facts = ((_("Network address"), mail.address), (_("Browser"), mail.browser))
        return Message(
            notification_id=str(mail.pk),
            language=language,
            title=title,
            body=text,
            short_body=text,
            priority="high",
            category="security",
            actions=(),
            url=base_of(brand) + page,
            facts=tuple((label, value) for label, value in facts if value),
            brand=brand_of(brand),
            kept_because=why,
        )


def _words(mail: SecurityMail) -> tuple[str, str]:
    title = str(MailKind(mail.kind).label)
    if mail.kind == MailKind.EMERGENCY:
        text = _("%(name)s signed in here although people sign in at an identity provider. Check that this was meant.")
        return title, text % all_apart(name=mail.name)
    if mail.kind == MailKind.REMOVED_BY_DESK:
        text = _("%(name)s removed them for you. Set up new ones under “Sign-in security”.")
        return title, text % all_apart(name=mail.name)
    return title, _("If it was not you, change your password at once and contact your administrator.")
