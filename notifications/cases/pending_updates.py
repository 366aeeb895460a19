"""Updates of a task that come while its answer waits for the engine: kept, and applied if the task opens again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from notifications.models import Callback, CallbackState, Event, EventStatus, Task
from wfpush.queue import outbox

UNTOLD = (CallbackState.WAITING, CallbackState.FAILED)
"""States of a callback that the engine may still get, or will never get."""


def untold_answers(tasks: Sequence[UUID]) -> QuerySet[Callback]:
    """Return the callbacks of counting final answers to these tasks that may not have reached the engine. Engines
    without an address are left out: they may have fetched the answer at any time."""
    callbacks = Callback.objects.exclude(engine__callback_url="")
    return callbacks.filter(task__in=tasks, state__in=UNTOLD, response__effect="final", response__counts=True).order_by(
        "task"
    )


def answers_behind_events(callbacks: Sequence[UUID], since: datetime, now: datetime) -> set[UUID]:
    """Return those of the callbacks whose tasks were finally answered and have an unprocessed event that may change the
    content. The event came in or was released after `since`. Parked events are due later than `now`, untried."""
    if not callbacks:
        return set()
    group = Concat(Value("task:"), OuterRef("task__task_id"))
    released = Q(due_at__gt=since, attempts__lte=1) & ~Q(due_at__gt=now, attempts=0)
    waiting = Event.objects.filter(
        Q(received_at__gt=since) | released,
        engine=OuterRef("engine"),
        group=group,
        processed_at=None,
        status=EventStatus.ACCEPTED,
    )
    answers = Callback.objects.filter(Exists(waiting), pk__in=callbacks, response__effect="final")
    return set(answers.order_by().values_list("pk", flat=True))


def kept_events(tasks: Sequence[UUID]) -> QuerySet[Event]:
    """Return the kept events of these tasks, in order of arrival."""
    return Event.objects.filter(task__in=tasks, status=EventStatus.KEPT).order_by("id")


def release(task: Task, now: datetime) -> None:
    """Process the kept events of a reopened task, in their order. It must run in the transaction that opens it."""
    events = kept_events([task.pk])
    if outbox.make_due(events, now, status=EventStatus.ACCEPTED, attempts=0, error="", processed_at=None):
        outbox.wake_on_commit("events")


def released(tasks: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return the kept events that have been released and still wait to be processed, by task."""
    by_task: dict[UUID, list[UUID]] = {}
    waiting = Event.objects.filter(task__in=tasks, status=EventStatus.ACCEPTED, due_at__isnull=False)
    for task, event in waiting.values_list("task_id", "pk"):
        by_task.setdefault(task, []).append(event)
    return by_task


def drop(tasks: Sequence[UUID]) -> None:
    """Ignore the kept events of tasks whose answers the engine has, or which it has ended."""
    kept_events(tasks).update(status=EventStatus.IGNORED)
