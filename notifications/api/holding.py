"""Makes sure that tokens and devices are given only to people who are still signed in when the transaction commits."""

from datetime import datetime

from django.contrib.sessions.models import Session
from rest_framework.exceptions import NotAuthenticated

from notifications.api.authentication import PersonCaller
from notifications.inbox.session import person_of_session
from notifications.models import Recipient, RecipientToken


def hold_sign_in(caller: PersonCaller, session_key: str | None, now: datetime) -> None:
    """Call in the transaction that gives something. Whoever signs the person out, closes the account or changes the
    password waits for its end, and then revokes what was given. Raises NotAuthenticated if they were first.

    Locks the person's row first: `revocation.settle` locks it, too, so the check below runs entirely before or after
    it.
    """
    Recipient.objects.select_for_update(no_key=True).only("pk").get(pk=caller.recipient.pk)
    person = _of_token(caller.token) if caller.token is not None else _of_session(session_key, now)
    if person is None or person.pk != caller.recipient.pk or not person.may_act:
        raise NotAuthenticated


def _of_token(token: RecipientToken) -> Recipient | None:
    rows = RecipientToken.objects.filter(pk=token.pk, revoked_at=None).select_for_update(of=("self",), no_key=True)
    row = rows.select_related("recipient__user").first()
    return row.recipient if row is not None else None


def _of_session(key: str | None, now: datetime) -> Recipient | None:
    there = Session.objects.filter(session_key=key, expire_date__gt=now).select_for_update(no_key=True)
    return person_of_session(key) if there.exists() else None
