"""Prunes what is older than administrators want it kept, as due work in small steps.

Once a day all steps are gone through, each table by its primary key, which begins with the time. A step looks at some
hundred rows, deletes those that may go in one transaction, and writes down how far it has come; so whatever ends a
worker, the next one goes on there, and nobody waits for a lock. Without a rule nothing is looked at.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from notifications.models import Pruning
from notifications.retention import pruned_rows
from notifications.retention.rules import KINDS, Rules
from wfpush.queue import outbox, steps

log = structlog.get_logger(__name__)

SOURCE_NAME = "pruning"
AFTER_FAULT = timedelta(minutes=5)

Step = Callable[[Rules, str, datetime], tuple[str, int]]
"""Prunes the next rows: from the last key that was looked at, to the next one, empty at the end, and how many went."""

STEPS: dict[str, Step] = {
    "tasks": pruned_rows.prune,
    "news": pruned_rows.prune_news,
    "events without items": pruned_rows.prune_events,
    "cases": pruned_rows.prune_cases,
    "addresses of messages": pruned_rows.prune_addresses,
    "unused devices": pruned_rows.prune_devices,
}
"""By names that stay: a pass under way has them."""


def begin(now: datetime) -> bool:
    """Go through everything again, unless that is under way. False where there is nothing to be done."""
    rules = Rules.read(now)
    if not any(rules.newest(kind) for kind in KINDS):
        return False
    with transaction.atomic():
        row = Pruning.objects.select_for_update(no_key=True).first() or Pruning.objects.create()
        if row.due_at is not None:
            return True
        mine = Pruning.objects.filter(pk=row.pk)
        outbox.make_due(mine, now, step="", cursor="", removed={}, began_at=now, ended_at=None)
        outbox.wake_on_commit(SOURCE_NAME)
    return True


def has_due(now: datetime) -> bool:
    return outbox.due(Pruning.objects.all(), now).exists()


def drain() -> None:
    steps.drain(Pruning, SOURCE_NAME, _step, AFTER_FAULT)


def run_through(now: datetime) -> dict[str, int]:
    """All of it here and now, for `manage.py prune`. A worker may take turns with it."""
    if not begin(now):
        return {}
    while Pruning.objects.filter(due_at__isnull=False).exists():
        drain()
        if not has_due(timezone.now()):
            time.sleep(0.1)  # another process has it, for one turn
    removed: dict[str, int] = Pruning.objects.get().removed
    return removed


@transaction.atomic
def _step(pruning: Pruning, now: datetime) -> bool:
    """Do one step. Returns False when all steps are done, or another worker has the row."""
    held = outbox.held(pruning).select_for_update(no_key=True).first()
    if held is None:
        return False
    names = list(STEPS)
    name = held.step if held.step in STEPS else names[0]
    cursor, removed = STEPS[name](Rules.read(now), held.cursor, now)
    follows = name if cursor else next(iter(names[names.index(name) + 1 :]), "")
    counts = {**held.removed, name: held.removed.get(name, 0) + removed}
    if follows:
        Pruning.objects.filter(pk=held.pk).update(step=follows, cursor=cursor, removed=counts)
        return True
    outbox.finish(held, step="", cursor="", removed=counts, ended_at=now)
    if any(counts.values()):
        log.info("pruned", **{step.replace(" ", "_"): count for step, count in counts.items()})
    return False


SOURCES: Sequence[outbox.Source] = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
