"""Makes attempts of rows that were claimed for people's addresses: the message, and the link that opens it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from notifications import reasons
from notifications.channel_facts import Trust, facts_of_channel
from notifications.delivery import choices, restraint, results
from notifications.delivery.attempts import PersonAttempt
from notifications.errors import TransportError
from notifications.items import action_tokens, ledger
from notifications.models import Delivery, Notification
from notifications.wording import message

log = structlog.get_logger(__name__)


def for_deliveries(rows: Sequence[Delivery], service: str, now: datetime) -> dict[UUID, PersonAttempt]:
    """Attempts by ids of rows; rows that are no longer worth sending end. `service` takes the messages; if it is empty,
    it has the channel's name."""
    ended = [each for each in (ledger.not_worth_sending(row, now) for row in rows) if each is not None]
    ledger.record(ended, now)
    over = {each.delivery for each in ended}
    going = choices.settle([row for row in rows if row.pk not in over], now)
    reserved = ledger.with_reserve(going)
    made = (_made_safely(row, service, row.pk in reserved, now) for row in going)
    return {attempt.row.pk: attempt for attempt in made if attempt is not None}


def _made_safely(row: Delivery, service: str, has_reserve: bool, now: datetime) -> PersonAttempt | None:
    try:
        return _made(row, service, has_reserve, now)
    except Exception as fault:  # a message that cannot be made must not hold up the others
        log.exception("message_cannot_be_made", delivery=str(row.pk))
        crashed = TransportError(reasons.crashed(fault))
        ledger.record([results.after_fault(row, crashed, has_reserve=has_reserve, now=now)], now)
        return None


def _made(row: Delivery, service: str, has_reserve: bool, now: datetime) -> PersonAttempt | None:
    """None for a message that its channel holds back."""
    with transaction.atomic():
        held_back = restraint.held_back(row, has_reserve, now)
        if held_back is None:
            ledger.begin([row], now)
            (token,) = action_tokens.give([(row, _answerable(row))], now)
    if held_back is not None:
        (ledger.put_back if held_back.again_at else partial(ledger.record, now=now))([held_back])
        return None
    return PersonAttempt(
        row=row,
        service=(row.channel, service or row.channel),
        has_reserve=has_reserve,
        over_at=ledger.over_at(row),
        message=message.message_of(row.notification, words=row.words),
        link=f"{settings.BASE_URL}/a/{token}",
    )


def _answerable(delivery: Delivery) -> list[str]:
    """The actions that the link alone allows; none for an address that others may read, too."""
    facts = facts_of_channel(delivery.channel)
    return ANSWERABLE[facts.trust](delivery.notification) if facts is not None else []


def _nothing(notification: Notification) -> list[str]:
    return []


ANSWERABLE: dict[Trust, Callable[[Notification], list[str]]] = {
    "": _nothing,
    "mailbox": action_tokens.answerable_by_mail,
    "device": action_tokens.answerable_from_lock_screen,
}
