"""Erases the person who has most items, or prunes what is older than half of the rows; how long that took, and its
longest step and statement. Run by bench.inside.
"""

import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import connection
from django.utils import timezone

from bench.harness import Json
from notifications.models import Event, Notification, Recipient, Response
from notifications.retention import erasing, pruning
from notifications.retention.models import Erasure, ErasureState, RetentionRule
from wfpush.postgres import bulk

NAMED_AT_ONCE = 500
ANSWERS = 2_000
"""Of the erased person: with each its text is looked for in all of its case."""
COMMENT = "Please pay this before the end of the month, as I have agreed with purchasing"


@dataclass
class Times:
    """Seconds by step, the longest one, and the longest statement."""

    steps: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    longest: tuple[float, str] = (0.0, "")
    statement: float = 0.0

    def of(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(step)
        def timed(*given: Any) -> Any:
            began = time.perf_counter()
            try:
                return step(*given)
            finally:
                took = time.perf_counter() - began
                self.steps[name] += took
                self.longest = max(self.longest, (took, name))

        return timed

    def execute(self, execute: Callable[..., Any], sql: str, values: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, values, many, context)
        finally:
            self.statement = max(self.statement, time.perf_counter() - began)


@contextmanager
def measured(steps: dict[str, Any]) -> Iterator[Json]:
    times = Times()
    told: Json = {}
    steps.update({name: times.of(name, step) for name, step in steps.items()})
    began = time.perf_counter()
    with connection.execute_wrapper(times.execute):
        yield told
    told |= {
        "seconds": time.perf_counter() - began,
        "steps": times.steps,
        "step": times.longest[0] * 1_000,
        "longest_step": times.longest[1],
        "statement": times.statement * 1_000,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024,
    }


# --- a person -----------------------------------------------------------------------------------------------------
def erase() -> Json:
    person = Recipient.objects.get(ref="grown-up-0")
    person.email, person.phone, person.name = "zoe.busiest@example.org", "+49 30 1234567", "Zoe Busiest"
    person.save()
    _name(person)
    _answer(person)
    items = Notification.objects.filter(recipient=person).count()
    with measured(erasing.steps_in_order()) as told:
        erasure = erasing.order(person, None, timezone.now())
        while erasure.state == ErasureState.RUNNING:
            Erasure.objects.exclude(due_at=None).update(due_at=timezone.now())  # it begins after a minute
            erasing.drain()
            erasure.refresh_from_db()
    assert erasure.state == ErasureState.DONE, erasure.state
    assert not Notification.objects.filter(title__contains="Zoe").exists()
    return {**told, "items": items}


def _name(person: Recipient) -> None:
    """Each event, task and item of theirs says their name."""
    items = Notification.objects.filter(recipient=person).select_related("event", "task").order_by("pk")
    for some in _pages(items):
        events = [each.event for each in some if each.event is not None]
        tasks = [each.task for each in some if each.task is not None]
        for event in events:
            event.data = {**event.data, "requester": {"ref": person.ref, "name": person.name, "email": person.email}}
        for task in tasks:
            task.name = f"{task.name} for {person.name}"[:200]
        for item in some:
            item.title = f"{item.title} for {person.name}"[:200]
        bulk.update(events, ["data"])
        bulk.update(tasks, ["name"])
        bulk.update(some, ["title"])


def _pages(rows: Any) -> Iterator[list[Any]]:
    after: Any = None
    while some := list((rows.filter(pk__gt=after) if after else rows)[:NAMED_AT_ONCE]):
        yield some
        after = some[-1].pk


def _answer(person: Recipient) -> None:
    items = (
        Notification.objects.filter(recipient=person, task__state="completed")
        .select_related("task")
        .order_by("pk")[:ANSWERS]
    )
    now = timezone.now()
    rows = [
        Response(
            task=each.task,
            notification=each,
            recipient=person,
            action="approve",
            effect="final",
            comment=f"{COMMENT}: {each.task_id}",
            via="inbox",
            at=now,
        )
        for each in items
    ]
    Response.objects.bulk_create(rows, batch_size=NAMED_AT_ONCE)


# --- half of the rows ---------------------------------------------------------------------------------------------
def prune() -> Json:
    """By a rule of so many days that half of the items are older."""
    oldest = Notification.objects.filter(event__source="growth").earliest("updated_at").updated_at
    days = max(31, (timezone.now() - oldest) // timedelta(days=2))
    RetentionRule.objects.create(items_days=days)
    before = Notification.objects.count()
    with measured(pruning.STEPS) as told:
        pruning.run_through(timezone.now())
    assert not Event.objects.filter(task=None, source="growth").exists()
    return {**told, "items": before - Notification.objects.count()}


def main(what: str) -> Json:
    return erase() if what == "erase" else prune()
