"""Observers of tasks: called synchronously, in a listed order, in the transaction that changes a task.

Escalations start, pause and stop clocks by them, so the pipeline does not import escalations. Registered in
AppConfig.ready().
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal, Protocol
from uuid import UUID

from django.db import transaction

from notifications.models import Recipient, Task
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
class Entry:
    order: int
    name: str
    observer: Observer
    look_up: LookUp | None = None
    stands_still: StandsStill | None = None


_entries: list[Entry] = []


def register(
    name: str,
    observer: Observer,
    *,
    order: int,
    look_up: LookUp | None = None,
    stands_still: StandsStill | None = None,
) -> None:
    """Add an observer; those with smaller `order` are called first. Registering a name again replaces it."""
    unregister(name)
    _entries.append(Entry(order, name, observer, look_up, stands_still))
    _entries.sort(key=lambda entry: (entry.order, entry.name))


def unregister(name: str) -> None:
    _entries[:] = [entry for entry in _entries if entry.name != name]


AfterKept = Callable[[Sequence[UUID], datetime], None]
"""Called after the commit, with tasks whose kept updates wait until the answer is delivered or taken back."""

_after_kept: list[AfterKept] = []


def register_after_kept(call: AfterKept) -> None:
    if call not in _after_kept:
        _after_kept.append(call)


def kept_on_commit(tasks: Sequence[UUID], now: datetime) -> None:
    for call in _after_kept:
        transaction.on_commit(partial(call, tasks, now), robust=True)


def look_up(tasks: Sequence[Task], writes: Writes) -> None:
    """Let observers read their data on the tasks of a batch at once."""
    for entry in list(_entries):
        if entry.look_up is not None and tasks:
            entry.look_up(tasks, writes)


def notify_observers(
    moment: Moment, task: Task, *, now: datetime, by: Recipient | None = None, writes: Writes = AT_ONCE
) -> None:
    """Call the observers. `writes` are those of a batch, which may still have to write the task itself."""
    for entry in list(_entries):
        entry.observer(moment, task, by=by, now=now, writes=writes)


def time_stands_still(task: Task, writes: Writes = AT_ONCE) -> bool:
    """Return whether a question has paused the task's clock: False if no clock runs."""
    return any(entry.stands_still(task, writes) for entry in _entries if entry.stands_still is not None)
