"""Claims due answers: the first unfinished one of each task, and for each engine only as many as it has free places. So
a claim does not read all answers that wait for an engine that is down."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from notifications.models import Callback, Engine
from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.observability import services
from wfpush.postgres import prefetch
from wfpush.queue import outbox

KIND = "engine"
"""The kind of service: engines that take answers."""
LEASE = timedelta(seconds=45)
"""Longer than a call with its database work, so that no call is made twice at the same time."""

# `ended_at` and `due_at` say the same (a constraint of the table). The search for a task's first answer names
# `ended_at`, so that PostgreSQL cannot use the index by `due_at`, which holds all answers that wait for the engine.
_DUE = f"""
SELECT call.id, engine.id FROM notifications_engine engine CROSS JOIN LATERAL (
    SELECT waiting.id, waiting.due_at FROM notifications_callback waiting
    WHERE waiting.engine_id = engine.id AND waiting.due_at <= %(now)s
      AND {outbox.not_leased_row("waiting")}
      AND waiting.id = (
          SELECT first.id FROM notifications_callback first
          WHERE first.task_id = waiting.task_id AND first.ended_at IS NULL ORDER BY first.position LIMIT 1)
    ORDER BY waiting.due_at LIMIT %(each)s
) AS call
WHERE engine.active AND engine.callback_disabled_at IS NULL AND engine.callback_url <> ''
  AND engine.id <> ALL(%(full)s) AND engine.slug <> ALL(%(paused)s)
ORDER BY call.due_at
"""


def has_due(now: datetime) -> bool:
    """Return whether an answer is due to an engine that takes calls."""
    return bool(_due(FreePlaces(left=1, each=1, taken={}), (), now))


def has_late(before: datetime) -> bool:
    """Return whether an answer has been due since `before`. Engines that are down are left out: their answers are not
    late for lack of workers."""
    held = services.held_names(KIND, timezone.now())
    return bool(_due(FreePlaces(left=1, each=1, taken={}), held, before))


def claim(room: FreePlaces[int], paused: Collection[str], now: datetime) -> list[tuple[int, Callback]]:
    """Claim the oldest due answers for which their engine has a free place. Return each with the id of its engine.
    Engines with one of the `paused` slugs are left out."""
    engines = dict(_due(room, paused, now))
    with transaction.atomic():
        claimed = outbox.claim_by_keys(Callback.objects.all(), room.choose(engines.items()), lease=LEASE, now=now)
        prefetch.read(Engine, "engine", claimed)
    return [(callback.engine_id, callback) for callback in claimed]


def _due(room: FreePlaces[int], paused: Collection[str], now: datetime) -> list[tuple[UUID, int]]:
    places = {"each": room.each, "full": room.full, "paused": list(paused)}
    with connection.cursor() as cursor:
        cursor.execute(_DUE, outbox.lease_parameters(now) | places)
        return list(cursor.fetchall())
