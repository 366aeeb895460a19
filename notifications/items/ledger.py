"""The ledger of deliveries: records attempts, hands over from one channel to the next, and can be summed up.

Every row ends in exactly one of delivered, superseded, suppressed, expired or dead. Code that changes several rows
locks them in the order of their ids first (`lock`), against deadlocks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from notifications import reasons
from notifications.channel_facts import INBOX
from notifications.items import lifetime
from notifications.models import Delivery, DeliveryState, Held, Notification, NotificationState
from notifications.reasons import NOTHING, Reason
from wfpush.postgres import keys
from wfpush.queue import outbox

RESERVE = Q(state=DeliveryState.PENDING, due_at=None)
"""Rows of a later turn, while a row of an earlier turn may still arrive."""

NEWS = (NotificationState.OPEN, NotificationState.INFO)
"""States of notifications whose messages are sent; for others, devices show the outcome."""

REACHED, AFTER_OTHERS = reasons.as_column([reasons.REACHED(), reasons.AFTER_OTHERS()])


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a claimed delivery. With the state pending it is tried again at `again_at`. `attempted`: an attempt
    was made. `held`: the person's preferences hold it back."""

    delivery: UUID
    lease: UUID | None
    number: int
    state: DeliveryState
    reason: Reason = NOTHING
    again_at: datetime | None = None
    attempted: bool = True
    held: Held | None = None

    @property
    def succeeded(self) -> bool:
        return self.state == DeliveryState.DELIVERED


def outcome(delivery: Delivery, state: DeliveryState, reason: Reason = NOTHING, **more: Any) -> Outcome:
    """Return the result of a claimed row."""
    return Outcome(delivery.pk, delivery.lease_token, delivery.attempts, state, reason, **more)


def over_at(row: Delivery) -> datetime | None:
    """Return when the message is no longer worth sending: one that asks for an answer ends with its task at the
    latest."""
    notification = row.notification
    task = notification.task if notification.state == NotificationState.OPEN else None
    bounds = (None if row.is_replacement else row.expires_at, task.expires_at if task is not None else None)
    return min((bound for bound in bounds if bound is not None), default=None)


def not_worth_sending(row: Delivery, now: datetime) -> Outcome | None:
    """Return the result of a claimed message that is no longer worth sending; None if it must be sent."""

    def ends(state: DeliveryState, reason: Reason) -> Outcome:
        return outcome(row, state, reason, attempted=False)

    if row.notification.state not in NEWS:
        return ends(DeliveryState.SUPERSEDED, reasons.label(NotificationState(row.notification.state)))
    over = over_at(row)
    if over is not None and over <= now:
        return ends(DeliveryState.EXPIRED, reasons.TOO_OLD())
    if not row.recipient.present:
        closed = reasons.ACCOUNT_CLOSED() if row.recipient.active else reasons.PERSON_INACTIVE()
        return ends(DeliveryState.SUPPRESSED, closed)
    return None


def with_reserve(rows: Sequence[Delivery]) -> set[UUID]:
    """Return the keys of the rows that have others in reserve."""
    of_notifications = keys.among(Notification, {row.notification_id for row in rows}, "notification_id")
    reserves = Delivery.objects.filter(RESERVE, of_notifications)
    last: dict[tuple[UUID, UUID], int] = {}
    for notification, event, turn in reserves.order_by("turn").values_list("notification_id", "event_id", "turn"):
        last[notification, event] = turn
    return {row.pk for row in rows if last.get((row.notification_id, row.event_id), 0) > row.turn}


# --- attempts -------------------------------------------------------------------------------------
_BEGIN = """
INSERT INTO notifications_deliveryattempt (delivery_id, number, started_at)
SELECT id, number, %s FROM unnest(%s::uuid[], %s::int[]) AS claimed(id, number)
"""


def begin(deliveries: Sequence[Delivery], now: datetime) -> None:
    """Record attempts of these claimed rows before the I/O, so that a crash leaves a trace."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [now, [row.pk for row in deliveries], [row.attempts for row in deliveries]])


_END_ATTEMPTS = """
UPDATE notifications_deliveryattempt attempt SET ended_at = %s, succeeded = said.succeeded,
    detail_fact = said.fact::jsonb
FROM unnest(%s::uuid[], %s::int[], %s::bool[], %s::text[]) AS said(id, number, succeeded, fact)
WHERE attempt.delivery_id = said.id AND attempt.number = said.number
"""
_AFTER_OTHERS = "said.state = 'delivered' AND said.fact IS NULL AND delivery.turn > 0"
_END = f"""
UPDATE notifications_delivery delivery
SET state = said.state, {outbox.RELEASED},
    outdated = delivery.outdated AND said.state = 'delivered',
    {outbox.set_due("CASE WHEN delivery.outdated AND said.state = 'delivered' THEN %s ELSE said.again_at END")},
    reason_fact = CASE WHEN {_AFTER_OTHERS} THEN %s::jsonb ELSE said.fact::jsonb END,
    ended_at = CASE WHEN said.state = 'pending' THEN NULL ELSE %s END
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
    AS said(id, lease, state, fact, again_at)
WHERE delivery.id = said.id AND {outbox.held_by("delivery", "said.lease")}
RETURNING delivery.id, delivery.notification_id, delivery.event_id, delivery.state
"""


def record(outcomes: Sequence[Outcome], now: datetime) -> set[UUID]:
    """Record the results of attempts; if needed, the next channel takes over. Return the keys of the rows that ended.

    Rows whose lease another process has now are skipped. A row that became outdated during its attempt is replaced at
    once: its message may have arrived.
    """
    if not outcomes:
        return set()
    with transaction.atomic():
        locked = lock([result.delivery for result in outcomes])
        _end_attempts(outcomes, now)
        results = run(
            _END,
            [
                now,
                AFTER_OTHERS,
                now,
                [result.delivery for result in outcomes],
                [result.lease for result in outcomes],
                [result.state.value for result in outcomes],
                reasons.as_column(result.reason for result in outcomes),
                [result.again_at for result in outcomes],
            ],
        )
        ended = {
            pk: (notification, event) for pk, notification, event, state in results if state != DeliveryState.PENDING
        }
        arrived = {result.delivery for result in outcomes if result.succeeded}
        if taken_back := locked.taken_back & arrived:  # the device shows it after all, and must get further changes
            rows = Delivery.objects.filter(pk__in=taken_back)
            outbox.make_due(rows, now, state=DeliveryState.DELIVERED, ended_at=now, reason_fact=None)
        if locked.reserves:
            take_over(set(ended.values()), now)
    return set(ended)


def _end_attempts(outcomes: Sequence[Outcome], now: datetime) -> None:
    made = [result for result in outcomes if result.attempted]
    run(
        _END_ATTEMPTS,
        [
            now,
            [result.delivery for result in made],
            [result.number for result in made],
            [result.succeeded for result in made],
            reasons.as_column(result.reason for result in made),
        ],
    )


def run(statement: str, values: Sequence[Any]) -> list[Any]:
    """Return the rows of the statement's result, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


_LOCK = """
SELECT id, outdated AND state = 'superseded' AND lease_token IS NULL FROM notifications_delivery WHERE id IN (
    SELECT unnest(%s::uuid[]) UNION
    SELECT reserve.id FROM notifications_delivery first JOIN notifications_delivery reserve USING (notification_id)
    WHERE first.id = ANY(%s::uuid[]) AND reserve.state = 'pending' AND reserve.turn > 0 AND reserve.due_at IS NULL
) ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class LockedDeliveries:
    """Locked rows: those in reserve behind the given ones, and those that were superseded during their attempt."""

    reserves: set[UUID]
    taken_back: set[UUID]


def lock(ids: Sequence[UUID]) -> LockedDeliveries:
    """Lock these rows, and those in reserve behind them."""
    rows = run(_LOCK, [[*ids], [*ids]])
    return LockedDeliveries({pk for pk, _ in rows} - set(ids), {pk for pk, taken_back in rows if taken_back})


_FORGET_TOKENS = """
DELETE FROM notifications_actiontoken token USING notifications_deliveryattempt attempt,
    unnest(%s::uuid[], %s::int[]) AS made(id, number)
WHERE attempt.delivery_id = made.id AND attempt.number = made.number
  AND token.delivery_id = made.id AND token.created_at = attempt.started_at
"""
_FORGET_ATTEMPTS = """
DELETE FROM notifications_deliveryattempt attempt USING unnest(%s::uuid[], %s::int[]) AS made(id, number)
WHERE attempt.delivery_id = made.id AND attempt.number = made.number
"""
_PUT_BACK = f"""
UPDATE notifications_delivery delivery
SET {outbox.set_due("said.again_at")}, {outbox.RELEASED}, attempts = delivery.attempts - 1,
    held = coalesce(said.held, delivery.held),
    expires_at = CASE WHEN said.held IS NULL THEN delivery.expires_at
        ELSE greatest(delivery.expires_at, said.again_at + %s) END,
    reason_fact = CASE WHEN delivery.outdated THEN delivery.reason_fact ELSE said.fact::jsonb END
FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[], %s::text[])
    AS said(id, lease, again_at, held, fact)
WHERE delivery.id = said.id AND {outbox.held_by("delivery", "said.lease")}
"""


@transaction.atomic
def put_back(outcomes: Sequence[Outcome]) -> None:
    """Release claimed rows that were not tried: each is due again at its `again_at`."""
    if not outcomes:
        return
    lock([result.delivery for result in outcomes])
    ids, numbers = [result.delivery for result in outcomes], [result.number for result in outcomes]
    for forget in (_FORGET_TOKENS, _FORGET_ATTEMPTS):  # the rows that were made for this try
        run(forget, [ids, numbers])
    leases, due = [result.lease for result in outcomes], [result.again_at for result in outcomes]
    held = [result.held.value if result.held else None for result in outcomes]
    facts = reasons.as_column(result.reason for result in outcomes)
    run(_PUT_BACK, [lifetime.ONCE_HELD, ids, leases, due, held, facts])


# --- fail-over ------------------------------------------------------------------------------------
_REACHED = """
UPDATE notifications_delivery reserve SET state = 'suppressed', reason_fact = %s, ended_at = %s
FROM unnest(%s::uuid[], %s::uuid[]) AS about(notification, event)
WHERE reserve.notification_id = about.notification AND reserve.event_id = about.event
  AND reserve.state = 'pending' AND reserve.due_at IS NULL
  AND EXISTS (SELECT FROM notifications_delivery first WHERE first.notification_id = about.notification
              AND first.event_id = about.event AND first.turn < reserve.turn AND first.state = 'delivered'
              AND first.channel <> %s)
"""
_NEXT = f"""
UPDATE notifications_delivery reserve SET {outbox.set_due("%s")},
    held = (SELECT max(first.held) FROM notifications_delivery first WHERE first.notification_id = about.notification
            AND first.event_id = about.event AND first.turn < reserve.turn AND first.attempts > 0)
FROM unnest(%s::uuid[], %s::uuid[]) AS about(notification, event)
WHERE reserve.notification_id = about.notification AND reserve.event_id = about.event
  AND reserve.state = 'pending' AND reserve.due_at IS NULL
  AND NOT EXISTS (SELECT FROM notifications_delivery first WHERE first.notification_id = about.notification
                  AND first.event_id = about.event AND first.turn < reserve.turn AND first.state = 'pending')
RETURNING reserve.id
"""


def take_over(news_keys: Iterable[tuple[UUID, UUID]], now: datetime) -> None:
    """Settle the reserve for these (notification, event): suppressed if an earlier turn arrived, due if all of it ended
    without arriving. Messages that were held back before do not wait again. The rows must be locked."""
    pairs = sorted(news_keys)
    if not pairs:
        return
    notifications, events = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    run(_REACHED, [REACHED, now, notifications, events, INBOX])
    if run(_NEXT, [now, notifications, events]):
        outbox.wake_on_commit("deliveries")


# --- replacements ---------------------------------------------------------------------------------


_REPLACED = f"""
UPDATE notifications_delivery delivery
SET outdated = said.again_at IS NOT NULL, {outbox.set_due("said.again_at")}, {outbox.RELEASED},
    state = CASE WHEN said.arrived THEN 'delivered' ELSE delivery.state END,
    reason_fact = CASE WHEN said.arrived AND delivery.state <> 'delivered' THEN NULL ELSE delivery.reason_fact END
FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::bool[]) AS said(id, lease, again_at, arrived)
WHERE delivery.id = said.id AND {outbox.held_by("delivery", "said.lease")} AND delivery.outdated
"""


def record_replacements(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Record the results of replacements. Failed ones are tried again at their `again_at`.

    A replacement that arrived is shown from then on, even if it is unknown whether the message itself had arrived.
    """
    if not outcomes:
        return
    with transaction.atomic():
        lock([result.delivery for result in outcomes])
        _end_attempts(outcomes, now)
        run(
            _REPLACED,
            [
                [result.delivery for result in outcomes],
                [result.lease for result in outcomes],
                [result.again_at for result in outcomes],
                [result.attempted and result.succeeded for result in outcomes],
            ],
        )


@transaction.atomic
def device_gone(device_ids: Sequence[UUID], reason: Reason, now: datetime) -> None:
    """End the waiting messages to these devices; the next channel takes over."""
    deliveries = Delivery.objects.filter(device_id__in=device_ids)
    lock(list(deliveries.values_list("id", flat=True)))
    ended = set(deliveries.filter(state=DeliveryState.PENDING).values_list("notification_id", "event_id"))
    waiting, suppressed = deliveries.filter(state=DeliveryState.PENDING), DeliveryState.SUPPRESSED
    fact = reason.as_json()
    outbox.finish_all(waiting, state=suppressed, ended_at=now, outdated=False, reason_fact=fact)
    outbox.finish_all(deliveries.filter(outdated=True), outdated=False)
    take_over(ended, now)


# --- sums -----------------------------------------------------------------------------------------
def sums(rows: QuerySet[Delivery]) -> dict[tuple[str, str], int]:
    """Return the numbers of rows by channel and state."""
    counted = rows.order_by().values_list("channel", "state").annotate(Count("pk"))
    return {(channel, state): count for channel, state, count in counted}
