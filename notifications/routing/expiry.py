"""Expiry of tasks: past their `expires_at`, they take no answers, their copies say so, and their clocks end."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.cases import lifecycle
from notifications.items import inbox_items, superseding
from notifications.models import ANSWERABLE, NotificationState, Task, TaskState
from wfpush.postgres import lock_waits
from wfpush.postgres.bulk import Writes
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "expiry"
BATCH = 100
"""Maximum number of tasks of one transaction."""
PAUSE = timedelta(minutes=1)
"""Time until the same process tries again to expire a task that failed."""

_failed: dict[UUID, datetime] = {}
"""Tasks that could not be expired, and when each is tried again: they hold up no others."""


def expiring(now: datetime) -> QuerySet[Task]:
    return Task.objects.filter(expires_at__lte=now, state__in=ANSWERABLE)


def has_due(now: datetime) -> bool:
    return _chosen(now).exists()


def _chosen(now: datetime) -> QuerySet[Task, UUID]:
    for task in [task for task, again in _failed.items() if again <= now]:
        del _failed[task]
    return expiring(now).exclude(pk__in=list(_failed)).order_by("expires_at", "pk").values_list("pk", flat=True)


def expire_due() -> None:
    """Expire due tasks, for one turn; if some are left, the source is woken again."""
    now, end = timezone.now(), time.monotonic() + outbox.TURN_SECONDS
    held: set[UUID] = set()  # locked by other transactions, which change these tasks or leave them to the next turn
    while time.monotonic() < end:
        chosen = list(_chosen(now).exclude(pk__in=held)[:BATCH])
        if not chosen:
            return
        with lock_waits.limited(lock_waits.FIRST_SECONDS):
            held |= set(chosen) - run(chosen, now)
    outbox.source_named(SOURCE_NAME).wake()


def run(chosen: Sequence[UUID], now: datetime) -> set[UUID]:
    """Expire tasks in one transaction. If that fails, do each half by itself, down to the task that is the cause.
    Return the tasks that have expired."""
    try:
        return expire(chosen, now)
    except Exception as exc:  # one task's error must not block the other tasks
        if outage.database_is_away(exc):
            raise
        locked = lock_waits.in_vain(exc)
        if len(chosen) > 1:
            half = len(chosen) // 2
            return run(chosen[:half], now) | run(chosen[half:], now)
        if locked:
            log.warning("task_not_expired", task=str(chosen[0]), fault=str(exc))
        else:
            log.exception("task_not_expired", task=str(chosen[0]))
        _failed[chosen[0]] = now + PAUSE
        return set()


@transaction.atomic
def expire(chosen: Sequence[UUID], now: datetime) -> set[UUID]:
    """Expire those of the tasks that are open and not locked by other transactions. Return their keys."""
    lock_waits.apply()
    waiting = expiring(now).filter(pk__in=chosen).order_by("pk")
    tasks = list(waiting.select_for_update(skip_locked=True, no_key=True, of=("self",)))
    writes = Writes()
    for task in tasks:
        task.state = TaskState.EXPIRED
        writes.update(task, "state", "updated_at")
        lifecycle.notify_observers("closed", task, now=now, writes=writes)
    writes.write()
    rows = list(inbox_items.standing(tasks).order_by("recipient_id", "pk"))
    fact = reasons.EXPIRED().as_json()
    inbox_items.change_all(rows, now, state=NotificationState.EXPIRED, reason_fact=fact)
    superseding.supersede([row.pk for row in rows], reasons.TASK_EXPIRED(), now)
    return {task.pk for task in tasks}


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, expire_due),)
