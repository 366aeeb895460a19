"""Makes attempts of rows that were claimed for people's addresses: the message, and the link that opens it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from notifications import reasons
from notifications.channel_facts import facts_of_channel
from notifications.delivery import frequency_caps, preference_check, results
from notifications.delivery.attempts import PersonAttempt
from notifications.errors import TransportError
from notifications.items import action_tokens, ledger
from notifications.items.ledger import Outcome
from notifications.models import Delivery
from notifications.preferences.lookup import Reading
from notifications.types import Message
from notifications.wording import digests as wording
from notifications.wording import message
from wfpush import features
from wfpush.queue import outage

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MailboxFooter:
    """The end of messages to mailboxes, such as a link to unsubscribe. `add` returns a delivery's message with it."""

    add: Callable[[Message, Delivery], Message]


def for_deliveries(units: Sequence[Sequence[Delivery]], service: str, now: datetime) -> list[Sequence[PersonAttempt]]:
    """Return the attempts for each message's rows. Rows that are no longer worth sending end. `service`: the name of
    the service that takes the messages; empty for the channel's name."""
    rows = [row for unit in units for row in unit]
    ended = [each for each in (ledger.not_worth_sending(row, now) for row in rows) if each is not None]
    ledger.record(ended, now)
    over = {each.delivery for each in ended}
    reading = Reading()
    going = preference_check.settle([row for row in rows if row.pk not in over], reading, now)
    reserved, left = ledger.with_reserve(going), {row.pk for row in going}
    attempts = []
    for at, unit in enumerate(units):  # each message begins at an instant of its own
        builder = _AttemptBuilder(service, reserved, reading, now + at * timedelta(microseconds=1))
        attempts.append(builder.attempts([row for row in unit if row.pk in left]))
    return attempts


@dataclass(frozen=True, slots=True)
class _Text:
    """A row's message. `answerable`: the actions that the link alone allows."""

    message: Message
    answerable: list[str]


@dataclass(frozen=True, slots=True)
class _AttemptBuilder:
    service: str
    reserved: set[UUID]
    reading: Reading
    now: datetime

    def attempts(self, rows: Sequence[Delivery]) -> Sequence[PersonAttempt]:
        """Return one attempt at most. A message that cannot be made must not hold up the others."""
        texts, faults = self._texts(rows)
        try:
            tokens = self._begun(rows, texts) if rows else None
        except Exception as fault:
            if outage.database_is_away(fault):
                raise
            faults = dict.fromkeys([row.pk for row in rows], fault)
            tokens = {}
        if tokens is None:
            return ()
        for row in rows:
            if row.pk in faults:
                self._failed(row, faults[row.pk])
        parts = [self._attempt(row, texts[row.pk].message, tokens[row.pk]) for row in rows if row.pk in tokens]
        return parts if len(parts) < 2 else self._together(parts)

    def _texts(self, rows: Sequence[Delivery]) -> tuple[dict[UUID, _Text], dict[UUID, Exception]]:
        texts: dict[UUID, _Text] = {}
        faults: dict[UUID, Exception] = {}
        for row in rows:
            try:
                content = message.message_of(row.notification, words=row.words)
                facts = facts_of_channel(row.channel)
                if facts is not None and facts.trust == "mailbox":
                    content = _with_footer(content, row)
                texts[row.pk] = _Text(content, action_tokens.answerable_by(row.channel, row.notification))
            except Exception as fault:
                if outage.database_is_away(fault):
                    raise
                faults[row.pk] = fault
        return texts, faults

    def _begun(self, rows: Sequence[Delivery], texts: Mapping[UUID, _Text]) -> dict[UUID, str] | None:
        """Return the tokens of rows that have a text, or None if the rows are held back."""
        with transaction.atomic():
            held_back = self._held_back(rows)
            if not held_back:
                ledger.begin(rows, self.now)
                made = [row for row in rows if row.pk in texts]
                tokens = action_tokens.give([(row, texts[row.pk].answerable) for row in made], self.now)
                return {row.pk: token for row, token in zip(made, tokens, strict=True)}
        ledger.record([each for each in held_back if each.again_at is None], self.now)
        ledger.put_back([each for each in held_back if each.again_at is not None])
        return None

    def _held_back(self, rows: Sequence[Delivery]) -> list[Outcome]:
        waiting = frequency_caps.Hour(rows, self.reading, self.now).waiting(rows)
        if waiting or len(rows) > 1:
            return waiting
        limits = self.reading.of(rows[0].recipient).limits
        outcome = frequency_caps.held_back(rows[0], rows[0].pk in self.reserved, self.now, limits)
        return [outcome] if outcome is not None else []

    def _attempt(self, row: Delivery, content: Message, token: str) -> PersonAttempt:
        return PersonAttempt(
            row=row,
            service=(row.channel, self.service or row.channel),
            has_reserve=row.pk in self.reserved,
            over_at=ledger.over_at(row),
            message=content,
            link=f"{content.brand['base_url']}/a/{token}",
        )

    def _failed(self, row: Delivery, fault: Exception) -> None:
        log.error("message_cannot_be_made", delivery=str(row.pk), exc_info=fault)
        crashed = TransportError(reasons.crashed(fault))
        outcome = results.after_fault(row, crashed, has_reserve=row.pk in self.reserved, now=self.now)
        ledger.record([outcome], self.now)

    def _together(self, parts: Sequence[PersonAttempt]) -> Sequence[PersonAttempt]:
        """Return one attempt for all parts. A notification with several parts is in it once."""
        newest = {part.row.notification_id: part for part in sorted(parts, key=lambda part: part.row.pk)}
        messages = [(part.row.notification, part.message, part.link) for part in newest.values()]
        over = [part.over_at for part in parts if part.over_at is not None]
        try:
            bundle = wording.bundle_of(messages, self.now)
        except Exception:  # each message is sent by itself
            log.exception("messages_cannot_be_put_together", person=parts[0].row.recipient_id)
            return parts
        return [replace(parts[0], parts=tuple(parts), over_at=min(over, default=None), bundle=bundle)]


def _with_footer(content: Message, row: Delivery) -> Message:
    for footer in features.added(MailboxFooter):
        content = footer.add(content, row)
    return content
