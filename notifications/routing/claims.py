"""Which events a worker processes next: those of urgent tasks sooner, and no engine's flood before another's events.

Due events wait in queues, one for each engine and urgency. The n-th event of a queue has its turn at n times the weight
of the queue's urgency, and a batch takes those with the earliest turns. So of two engines each has half, and normal
events still get an eighth as many places as urgent ones that keep coming (stride scheduling: Waldspurger and Weihl,
1995).
"""

from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications.models import Event, Urgency
from wfpush.queue import outbox

BATCH: int = settings.EVENT_BATCH
"""Events of one transaction at most. A hundred are about a quarter of a second's work."""

LEASE = timedelta(seconds=50)

WEIGHTS = {Urgency.URGENT: 1, Urgency.HIGH: 2, Urgency.NORMAL: 8, Urgency.LOW: 16}

TRIES = 3
"""How often a worker chooses again, because others have claimed all that it chose."""

_QUEUES = ", ".join(f"({urgency.value}, {weight})" for urgency, weight in WEIGHTS.items())
_NEXT = f"""
SELECT event.id FROM notifications_engine engine CROSS JOIN (VALUES {_QUEUES}) AS queue(urgency, weight),
LATERAL (
    SELECT id, due_at, row_number() OVER (ORDER BY due_at, id) AS place FROM (
        SELECT id, due_at FROM notifications_event
        WHERE engine_id = engine.id AND urgency = queue.urgency AND due_at <= %(now)s
          AND (lease_until IS NULL OR lease_until <= %(now)s OR lease_until > %(too_long)s)
          AND ("group" = '' OR NOT EXISTS (
                SELECT FROM notifications_event earlier
                WHERE earlier.engine_id = engine.id AND earlier."group" = notifications_event."group"
                  AND earlier.due_at IS NOT NULL AND earlier.id < notifications_event.id))
        ORDER BY due_at, id LIMIT %(most)s
    ) AS first
) AS event
ORDER BY event.place * queue.weight, event.due_at, event.id LIMIT %(most)s
"""


@cache
def due_events() -> QuerySet[Event]:
    """Unprocessed events that are the first of their group: events of one task or case are processed one at a time, in
    order of arrival."""
    return outbox.head_of_group(Event.objects.select_related("engine"), "id", "engine", "group", alone=Q(group=""))


def has_due(now: datetime) -> bool:
    return outbox.due(due_events(), now).exists()


def claim() -> list[Event]:
    """Claim the next batch; empty if nothing is due."""
    for _ in range(TRIES):
        now = timezone.now()
        chosen = _next(now)
        if not chosen:
            return []
        if claimed := outbox.claim(due_events().filter(pk__in=chosen), limit=len(chosen), lease=LEASE, now=now):
            return claimed
    return []


def _next(now: datetime) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"now": now, "too_long": now + outbox.LONGEST_LEASE, "most": BATCH})
        return [pk for (pk,) in cursor.fetchall()]
