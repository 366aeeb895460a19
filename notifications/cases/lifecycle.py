"""Observers of tasks: called synchronously, in a listed order, in the transaction that changes a task.

Escalations start, pause and stop clocks by them, so the pipeline does not import escalations.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Literal, Protocol, get_args
from uuid import UUID

from django.db import transaction

from notifications.models import Recipient, Task
from wfpush import features
from wfpush.postgres.bulk import AT_ONCE, Writes

Moment = Literal[
    "opened", "changed", "reassigned", "acknowledged", "paused", "resumed", "answered", "reopened", "closed"
]


class Observer(Protocol):
    """A function called with each change of a task. An exception rolls the change back."""

    def __call__(self, moment: Moment, task: Task, *, by: Recipient | None, now: datetime, writes: Writes) -> None: ...


LookUp = Callable[[Sequence[Task], Writes], None]
"""Reads the observer's data on these tasks into `writes`. The tasks are locked and about to change."""


StandsStill = Callable[[Task, Writes], bool]
"""Returns whether a question stops the clock of a locked task."""


@dataclass(frozen=True)
class TaskObserver:
    """An observer that an app adds, of these `moments`. Those with smaller `order` are called first."""

    observe: Observer
    order: int
    moments: Collection[str] = get_args(Moment)
    look_up: LookUp | None = None
    stands_still: StandsStill | None = None


@dataclass(frozen=True)
class AfterKept:
    """`call` is called after the commit, with tasks whose kept updates wait until the answer is delivered or taken
    back."""

    call: Callable[[Sequence[UUID], datetime], None]


@cache
def observers() -> Sequence[TaskObserver]:
    return sorted(features.added(TaskObserver), key=lambda entry: entry.order)


def kept_on_commit(tasks: Sequence[UUID], now: datetime) -> None:
    for each in features.added(AfterKept):
        transaction.on_commit(partial(each.call, tasks, now), robust=True)


def look_up(tasks: Sequence[Task], writes: Writes) -> None:
    """Let observers read their data on the tasks of a batch at once."""
    for entry in observers():
        if entry.look_up is not None and tasks:
            entry.look_up(tasks, writes)


def notify_observers(
    moment: Moment, task: Task, *, now: datetime, by: Recipient | None = None, writes: Writes = AT_ONCE
) -> None:
    """Call the observers. `writes` are those of a batch, which may still have to write the task itself."""
    for entry in observers():
        if moment in entry.moments:
            entry.observe(moment, task, by=by, now=now, writes=writes)


def time_stands_still(task: Task, writes: Writes = AT_ONCE) -> bool:
    """Return whether a question has paused the task's clock: False if no clock runs."""
    return any(entry.stands_still(task, writes) for entry in observers() if entry.stands_still is not None)
