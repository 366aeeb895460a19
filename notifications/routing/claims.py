"""Claims of events by workers: events of urgent tasks come sooner, and no engine's flood delays other engines' events.

Due events wait in queues, one for each engine and urgency. The n-th event of a queue has its turn at n times the weight
of the queue's urgency, and a batch takes those with the earliest turns. So two engines get half each. Normal events get
an eighth as many places as urgent ones that keep coming (stride scheduling: Waldspurger and Weihl, 1995).

Events of one group, which is a task or a case, are processed one at a time, in order of arrival. A claim looks at the
first WINDOW events of each queue and takes those that are the first of their group. If many events in the window wait
behind another of their group, they are parked: they are due again when their turn comes, or after PARKED_FOR. So a
claim's work does not grow with the number of waiting events or of their groups.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from notifications.models import Engine, Event, Urgency
from wfpush.postgres import prefetch
from wfpush.queue import outbox

BATCH: int = settings.EVENT_BATCH
"""Maximum number of events of one transaction. A hundred take about a quarter of a second."""
WINDOW = 10 * BATCH

LEASE = timedelta(seconds=50)
PARKED_FOR = timedelta(minutes=5)
RECENTLY = timedelta(seconds=20)
"""Maximum time for which a parked event counts as due when its turn comes: a replayed one was received weeks ago."""

WEIGHTS = {Urgency.URGENT: 1, Urgency.HIGH: 2, Urgency.NORMAL: 8, Urgency.LOW: 16}

TRIES = 3
"""Number of times a worker chooses again because other workers have claimed all events that it chose."""

# The row comparison and the order fit the index `event_group`, and no other index: PostgreSQL reads one index entry for
# each event, whatever its statistics.
_FIRST = """
SELECT {columns} FROM notifications_event first
WHERE (first.engine_id, first."group") >= ({event}.engine_id, {event}."group") AND first.processed_at IS NULL
ORDER BY first.engine_id, first."group", first.id LIMIT 1
"""
_WINDOW = f"""
SELECT id, due_at,
    CASE WHEN "group" = '' THEN id ELSE ({_FIRST.format(columns="first.id", event="waiting")}) END AS first
FROM notifications_event waiting
WHERE engine_id = engine.id AND urgency = queue.urgency AND due_at <= %(now)s
  AND {outbox.not_leased_row("waiting")}
ORDER BY due_at, id LIMIT %(window)s
"""
_IS_FULL = """
EXISTS (
    SELECT FROM notifications_event
    WHERE engine_id = engine.id AND urgency = queue.urgency AND due_at <= %(now)s
    ORDER BY due_at, id OFFSET %(window)s - 1
)
"""
_QUEUES = "notifications_engine engine CROSS JOIN (VALUES {}) AS queue(urgency, weight)".format(
    ", ".join(f"({urgency.value}, {weight})" for urgency, weight in WEIGHTS.items())
)
_NEXT = f"""
SELECT event.id, depth.is_full FROM {_QUEUES}
CROSS JOIN LATERAL (SELECT {_IS_FULL} AS is_full OFFSET 0) AS depth  -- OFFSET: once for each queue
LEFT JOIN LATERAL (
    SELECT id, due_at, row_number() OVER (ORDER BY due_at, id) AS place
    FROM (SELECT id, due_at FROM ({_WINDOW}) AS seen WHERE id = first ORDER BY due_at, id LIMIT %(limit)s) AS chosen
) AS event ON true
WHERE event.id IS NOT NULL OR depth.is_full
ORDER BY event.place * queue.weight, event.due_at, event.id LIMIT %(limit)s
"""

# An event whose row is locked cannot end and release those behind it: no event stays parked behind an ended one.
_PARK = f"""
WITH passed AS MATERIALIZED (
    SELECT event.id, event.due_at, event.first FROM {_QUEUES} CROSS JOIN LATERAL ({_WINDOW}) AS event
    WHERE {_IS_FULL} AND event.id <> event.first
), locked AS MATERIALIZED (
    SELECT id, processed_at FROM notifications_event WHERE id IN (SELECT first FROM passed)
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE notifications_event behind SET {outbox.set_due("%(until)s")}
FROM passed JOIN locked ON locked.id = passed.first AND locked.processed_at IS NULL
WHERE behind.id = passed.id AND behind.due_at IS NOT DISTINCT FROM passed.due_at AND behind.lease_token IS NULL
"""
_RELEASE = f"""
WITH parked AS MATERIALIZED (
    SELECT next.id FROM unnest(%(engines)s::bigint[], %(groups)s::text[]) AS ended(engine_id, "group")
    CROSS JOIN LATERAL ({_FIRST.format(columns="first.*", event="ended")}) AS next
    WHERE next.engine_id = ended.engine_id AND next."group" = ended."group" AND next.due_at > %(now)s
)
UPDATE notifications_event event SET {outbox.set_due("greatest(received_at, %(recently)s)")}
FROM parked WHERE event.id = parked.id
"""


def has_due(now: datetime) -> bool:
    """Return whether an event is due and the first of its group, or so many wait that a claim has to look further."""
    return bool(_fetch(_NEXT, now, limit=1))


def claim() -> list[Event]:
    """Claim the next batch and return its events; empty if nothing is due."""
    for _ in range(TRIES):
        now = timezone.now()
        chosen = _choose(now)
        if not chosen:
            return []
        with transaction.atomic():
            claimed = outbox.claim_by_keys(Event.objects.all(), chosen, lease=LEASE, now=now)
            prefetch.read(Engine, "engine", claimed)
        if claimed:
            return claimed
    return []


def _choose(now: datetime) -> list[UUID]:
    """Return the keys of the next batch's events. Park events behind others if they keep a batch from being full."""
    while True:
        rows = _fetch(_NEXT, now, limit=BATCH)
        chosen = [pk for pk, _ in rows if pk is not None]
        is_short = len(chosen) < BATCH and any(is_full for _, is_full in rows)
        if not is_short or not _park(now) or chosen:
            return chosen


def _park(now: datetime) -> int:
    """Postpone events that are behind others of their group. Return the number of postponed events."""
    with connection.cursor() as cursor:
        cursor.execute(_PARK, _parameters(now) | {"until": now + PARKED_FOR})
        return int(cursor.rowcount)


def release_next(ended: Iterable[Event], now: datetime) -> None:
    """Make the next events of the groups of `ended` events due, if they are parked. It must run in the transaction that
    ends them."""
    groups = {(event.engine_id, event.group) for event in ended if event.group}
    if groups:
        engines, names = zip(*groups, strict=True)
        with connection.cursor() as cursor:
            parameters: dict[str, Any] = {
                "engines": list(engines),
                "groups": list(names),
                "now": now,
                "recently": now - RECENTLY,
            }
            cursor.execute(_RELEASE, parameters)


def _fetch(statement: str, now: datetime, *, limit: int) -> list[tuple[UUID | None, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(now) | {"limit": limit})
        return list(cursor.fetchall())


def _parameters(now: datetime) -> dict[str, Any]:
    return outbox.lease_parameters(now) | {"window": WINDOW}
