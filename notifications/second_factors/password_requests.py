"""Requests for a new password by e-mail. Who asks learns nothing about who is known here: the page answers before a
worker looks up the account.

A link goes only to the e-mail address of the account, which administrators and directories set. Engines can change a
person's address, so that one does not count.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from notifications.people import link_mails
from notifications.second_factors import mails, password_links
from notifications.second_factors.models import MailKind, PasswordRequest, SecurityMail
from notifications.sign_on import records
from notifications.sign_on.models import SignInOutcome
from wfpush.queue import outbox, steps
from wfpush.web.proxies import address_of

SOURCE_NAME = "password_requests"
AFTER_FAULT = timedelta(minutes=1)
KINDS = (MailKind.PASSWORD_LINK, MailKind.PASSWORD_SHARED, MailKind.PASSWORD_ELSEWHERE)
MAX_NAMESAKES = 20
"""Rows that are read for one address."""


def ask(request: HttpRequest, name: str) -> bool:
    """Store the request. Return False if too many came from this network address."""
    now, address = timezone.now(), address_of(request.META.get("REMOTE_ADDR", ""))
    if not link_mails.may_ask(address, now):
        return False
    with transaction.atomic():
        PasswordRequest.objects.create(
            name=name,
            address=address,
            browser=request.headers.get("User-Agent", "")[:300],
            created_at=now,
            **outbox.scheduled(now),
        )
        outbox.wake_on_commit(SOURCE_NAME)
    return True


# --- the outbox's source ----------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return outbox.due(PasswordRequest.objects.all(), now).exists()


def drain() -> None:
    """Answer due requests, for one turn; if something is left, the source is woken again."""
    steps.drain(PasswordRequest, SOURCE_NAME, _answer, AFTER_FAULT)


@transaction.atomic
def _answer(request: PasswordRequest, now: datetime) -> bool:
    """Order the e-mail, if there is one to send, and remove the request. Return False: nothing is left of it."""
    user = _user_named(request.name)
    if user is not None and user.email and password_links.is_open(user) and not _has_enough(user, now):
        kind = _kind_for(user)
        records.add_from(
            request.address,
            request.browser,
            None,
            SignInOutcome.PASSWORD,
            user=user,
            identity=user.get_username(),
            code=kind,
        )
        mails.order_from(request.address, request.browser, user, kind)
    request.delete()
    return False


def _kind_for(user: User) -> MailKind:
    if password_links.namesakes(user):
        return MailKind.PASSWORD_SHARED
    return MailKind.PASSWORD_LINK if password_links.may_have_link(user) else MailKind.PASSWORD_ELSEWHERE


def _user_named(name: str) -> User | None:
    """Return the active user with this user name, else the first one with this e-mail address."""
    users = User.objects.filter(is_active=True).order_by("pk")
    if (user := users.filter(username=name).first()) is not None:
        return user
    rows = users.filter(email__iexact=name)[:MAX_NAMESAKES] if "@" in name else []
    return next((row for row in rows if row.email.lower() == name.lower()), None)


def _has_enough(user: User, now: datetime) -> bool:
    """Return whether the user has been sent as many of these e-mails as anybody may request."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    own = SecurityMail.objects.filter(user=user, kind__in=KINDS, created_at__gt=now - link_mails.HOUR)
    return own.count() >= link_mails.MOST_AN_HOUR or own.filter(created_at__gt=now - link_mails.PAUSE).exists()
