"""Updates of a task that come while its answer waits for the engine: kept, and applied if the task opens again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from notifications.models import Callback, CallbackState, Event, EventStatus, Task
from wfpush.queue import outbox

UNTOLD = (CallbackState.WAITING, CallbackState.FAILED)
"""States of a callback whose engine may still be told, or will never be."""


def untold_answers(tasks: Sequence[UUID]) -> QuerySet[Callback]:
    """The callbacks of the final answers that count, to these tasks, whose engine has not been told for certain."""
    return Callback.objects.filter(
        task__in=tasks, state__in=UNTOLD, response__effect="final", response__counts=True
    ).order_by("task")


def kept_events(tasks: Sequence[UUID]) -> QuerySet[Event]:
    """In the order in which they came."""
    return Event.objects.filter(task__in=tasks, status=EventStatus.KEPT).order_by("id")


def release(task: Task, now: datetime) -> None:
    """Process the kept events of a task that is open again, in their order. In the transaction that opens it."""
    kept = kept_events([task.pk])
    if outbox.make_due(kept, now, status=EventStatus.ACCEPTED, attempts=0, error="", processed_at=None):
        outbox.wake_on_commit("events")


def drop(tasks: Sequence[UUID]) -> None:
    """The engine has the answers to these tasks, or has ended them: their kept events change nothing any more."""
    kept_events(tasks).update(status=EventStatus.IGNORED)
