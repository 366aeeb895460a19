"""Claims due answers: the first unfinished one of each task, and for each engine only as many as it has free places. So
a claim does not read all answers that wait for an engine that is down."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from notifications.models import Callback, Engine
from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.observability import services
from wfpush.postgres import prefetch
from wfpush.queue import outbox
from wfpush.queue.owner_queues import OwnerQueue

KIND = "engine"
"""The kind of service: engines that take answers."""
LEASE = timedelta(seconds=45)
"""Longer than a call with its database work, so that no call is made twice at the same time."""

# `ended_at` and `due_at` say the same (a constraint of the table). The search for a task's first answer names
# `ended_at`, so that PostgreSQL cannot use the index by `due_at`, which holds all answers that wait for the engine.
_QUEUE = OwnerQueue(
    owners="notifications_engine",
    works="notifications_callback",
    key="engine_id",
    name="slug",
    owner_condition="owner.active AND owner.callback_disabled_at IS NULL AND owner.callback_url <> ''",
    work_condition="""waiting.id = (
        SELECT first.id FROM notifications_callback first
        WHERE first.task_id = waiting.task_id AND first.ended_at IS NULL ORDER BY first.position LIMIT 1)""",
)


def has_due(now: datetime) -> bool:
    """Return whether an answer is due to an engine that takes calls."""
    return _QUEUE.has_due(now)


def has_late(before: datetime) -> bool:
    """Return whether an answer has been due since `before`. Engines that are down are left out: their answers are not
    late for lack of workers."""
    return _QUEUE.has_due(before, without=services.held_names(KIND, timezone.now()))


def claim(room: FreePlaces[int], paused: Collection[str], now: datetime) -> list[tuple[int, Callback]]:
    """Claim the oldest due answers for which their engine has a free place. Return each with the id of its engine.
    Engines with one of the `paused` slugs are left out."""
    engines = dict(_QUEUE.due(room, paused, now))
    with transaction.atomic():
        claimed = outbox.claim_by_keys(Callback.objects.all(), room.choose(engines.items()), lease=LEASE, now=now)
        prefetch.read(Engine, "engine", claimed)
    return [(callback.engine_id, callback) for callback in claimed]
