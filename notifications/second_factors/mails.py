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
from django.utils.translation import gettext_lazy

from notifications.channels.email.channel import server
from notifications.channels.email.facts import FACTS
from notifications.channels.email.transport import Email
from notifications.errors import TransportError
from notifications.models import Recipient
from notifications.people.brands import brand_for
from notifications.second_factors import password_links
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

ABOUT_NEW_PASSWORDS = {
    MailKind.PASSWORD_LINK: gettext_lazy(
        "The link works once, within 30 minutes. If you did not ask for it, ignore this e-mail: nothing has changed."
    ),
    MailKind.PASSWORD_SHARED: gettext_lazy(
        "Several accounts have this e-mail address, so none gets a link. Your administrator can set a new password."
    ),
    MailKind.PASSWORD_ELSEWHERE: gettext_lazy(
        "Sign in at your identity provider. If that is not possible, contact your administrator."
    ),
}
"""The texts of e-mails that answer a request for a new password. They go to the account's own address only."""


def order(request: HttpRequest, user: AbstractBaseUser, kind: MailKind, *, name: str = "") -> None:
    """Order an e-mail to the user, in the caller's transaction. `name`: see SecurityMail."""
    order_from(request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", ""), user, kind, name=name)


def order_from(address: str, browser: str, user: AbstractBaseUser, kind: MailKind, *, name: str = "") -> None:
    """Order an e-mail about a request from this network address and browser."""
    now = timezone.now()
    SecurityMail.objects.create(
        user_id=user.pk,
        kind=kind,
        name=name[:200],
        address=address[:45],
        browser=browser[:300],
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
    """Send a mail to the person's address, else to the account's; a link for a new password to the account's only. It
    is made here, so that its token is nowhere but in the mail. Raise TransportError."""
    user = User.objects.get(pk=mail.user_id)
    person = Recipient.objects.select_related("brand").filter(user=user).first()
    asked = mail.kind in ABOUT_NEW_PASSWORDS
    address = user.email if asked else (person.email if person is not None else "") or user.email
    if not address or (mail.kind == MailKind.PASSWORD_LINK and not password_links.may_have_link(user)):
        outbox.finish(mail, detail="No e-mail address." if not address else "The account is closed.")
        return
    message = _message(mail, user, person)
    Email().send(address, message, delivery_id=mail.pk, link=message.url)
    outbox.finish(mail, sent_at=now, detail="")
    services.report_works(_server(), timezone.now(), now)


# --- words ------------------------------------------------------------------------------------------------------------
def _message(mail: SecurityMail, user: User, person: Recipient | None) -> Message:
    brand = brand_for(person) if person is not None else None
    language = spoken(person.locale if person is not None else "")
    with translation.override(language):
        title, text = _words(mail)
        why = _("You cannot unsubscribe from e-mails about the security of accounts.")
        if mail.kind in ABOUT_NEW_PASSWORDS:
            why = _("You get such an e-mail only when somebody asks for a new password for your account.")
        name = user.get_username() if mail.kind == MailKind.PASSWORD_LINK else ""
        facts = (
            (_("User name"), name),
            (_("Network address"), mail.address),
            (_("Browser"), mail.browser),
            (_("Fingerprint of the key"), mail.name if mail.kind == MailKind.PASSKEY_ADDED else ""),
        )
        return Message(
            notification_id=str(mail.pk),
            language=language,
            title=title,
            body=text,
            short_body=text,
            priority="high",
            category="security",
            actions=(),
            url=base_of(brand) + _path(mail, user),
            facts=tuple((label, value) for label, value in facts if value),
            brand=brand_of(brand),
            kept_because=why,
        )


def _path(mail: SecurityMail, user: User) -> str:
    """Return the page to which the mail leads."""
    if mail.kind == MailKind.PASSWORD_LINK:
        return password_links.new_path(user)
    if mail.kind in ABOUT_NEW_PASSWORDS:
        return reverse("inbox:sign-in")
    return reverse("admin:index") if mail.kind == MailKind.EMERGENCY else reverse("mfa_index")


def _words(mail: SecurityMail) -> tuple[str, str]:
    title = str(MailKind(mail.kind).label)
    if mail.kind == MailKind.EMERGENCY:
        text = _("%(name)s signed in here although people sign in at an identity provider. Check that this was meant.")
        return title, text % all_apart(name=mail.name)
    if mail.kind == MailKind.REMOVED_BY_DESK:
        text = _("%(name)s removed them for you. Set up new ones under “Sign-in security”.")
        return title, text % all_apart(name=mail.name)
    if mail.kind == MailKind.PASSWORD_BY_DESK:
        text = _("%(name)s set it at the desk. If you did not ask for it, contact your administrator.")
        return title, text % all_apart(name=mail.name)
    if mail.kind in ABOUT_NEW_PASSWORDS:
        return title, str(ABOUT_NEW_PASSWORDS[MailKind(mail.kind)])
    return title, _("If it was not you, change your password at once and contact your administrator.")
