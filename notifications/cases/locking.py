"""The cases and tasks of a batch of events, locked for its transaction.

Locks are taken in one order everywhere: cases, tasks, people; each in the order of their keys.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet, prefetch_related_objects

from notifications.cases import pending_updates
from notifications.models import Brand, Case, Event, Recipient, Task, TaskState
from notifications.types import Json, behaviour_of, object_in
from wfpush.postgres import prefetch

TYPES_THAT_ASK = ("task.assigned", "task.updated", "task.info_supplied", "task.escalated")
"""Events whose notifications ask for the task's answer; all others only inform."""

ENDINGS = {"task.completed": TaskState.COMPLETED, "task.cancelled": TaskState.CANCELLED}
"""Events by which an engine ends a task, and the state of the task then."""

Key = tuple[int, str]
"""The engine's key and the engine's own id of the task or case."""

RowT = TypeVar("RowT", Case, Task)


MESSAGE = "task.message"
"""An event with a message about a task. Only a reply to a question changes the task."""


def changes_its_task(event: Event) -> bool:
    return asks(event) or behaviour_of(event.type) in (*ENDINGS, MESSAGE)


def asks(event: Event) -> bool:
    """Return whether the event's notifications ask for the task's answer. Such an event may reword existing copies."""
    return behaviour_of(event.type) in TYPES_THAT_ASK


class LockedRows:
    """The locked cases and tasks of some events. Missing cases are created; the caller inserts missing tasks.

    Tasks that an event only mentions are not locked.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        engines = {event.engine_id: event.engine for event in events}
        self._cases = _cases({key for event in events if (key := case_key(event))})
        changed = {key for event in events if changes_its_task(event) and (key := task_key(event))}
        mentioned = {key for event in events if not changes_its_task(event) and (key := task_key(event))} - changed
        rows = Task.objects.filter(_any_of("task_id", changed)).order_by("engine_id", "task_id")
        self._tasks = _by_key(rows.select_for_update(no_key=True), "task_id") if changed else {}
        asking_keys = {task_key(event) for event in events if asks(event)}
        self.reworded_tasks = [
            task for key, task in self._tasks.items() if key in asking_keys and task.last_event_time is not None
        ]
        """Tasks that earlier events have changed, and these events reword. Their people are read."""
        self.released: dict[UUID, list[UUID]] = {}
        """Released events of each task, which are processed before the claimed ones."""
        if self.reworded_tasks:
            _read_people(self.reworded_tasks)
            self.released = pending_updates.released([task.pk for task in self.reworded_tasks])
        if self._tasks:
            prefetch.read(Case, "case", self._tasks.values())
        self._mentioned: dict[Key, Task] = {}
        if mentioned:
            people = ("assignee__brand", "initiator__brand", "case")
            mentioned_tasks = Task.objects.filter(_any_of("task_id", mentioned)).select_related(*people)
            self._mentioned = _by_key(mentioned_tasks, "task_id")
        for task in (*self._tasks.values(), *self._mentioned.values()):
            task.engine = engines[task.engine_id]
        for case in self._cases.values():
            case.engine = engines[case.engine_id]

    def case(self, event: Event) -> Case | None:
        return self._cases[key] if (key := case_key(event)) else None

    def task(self, event: Event) -> Task | None:
        """Return the task of an event that changes it."""
        key = task_key(event)
        if key is None:
            return None
        if key not in self._tasks:
            self._tasks[key] = Task(engine=event.engine, task_id=key[1])
        return self._tasks[key]

    def mentioned(self, event: Event) -> Task | None:
        key = task_key(event)
        return self._mentioned.get(key) if key else None


def _read_people(tasks: Sequence[Task]) -> None:
    people = [*prefetch.read(Recipient, "assignee", tasks), *prefetch.read(Recipient, "initiator", tasks)]
    prefetch.read(Brand, "brand", people)
    prefetch.read(Event, "assigned_event", tasks, only=["type", "event_id", "source", "extensions"])
    prefetch_related_objects(tasks, "candidates", "teams")


def case_key(event: Event) -> Key | None:
    return _key(event, object_in(event.data, "case"))


def task_key(event: Event) -> Key | None:
    return _key(event, object_in(event.data, "task"))


def _key(event: Event, reference: Json) -> Key | None:
    return (event.engine_id, str(reference["id"])) if reference.get("id") else None


def _cases(keys: set[Key]) -> dict[Key, Case]:
    if not keys:
        return {}
    rows = Case.objects.filter(_any_of("case_id", keys))
    missing = keys - set(rows.values_list("engine_id", "case_id"))
    made = [Case(engine_id=engine, case_id=name) for engine, name in sorted(missing)]
    Case.objects.bulk_create(made, ignore_conflicts=True)
    return _by_key(rows.order_by("engine_id", "case_id").select_for_update(no_key=True), "case_id")


def _any_of(name: str, keys: Iterable[Key]) -> Q:
    by_engine: dict[int, list[str]] = {}
    for engine, value in keys:
        by_engine.setdefault(engine, []).append(value)
    condition = Q()
    for engine, values in by_engine.items():
        condition |= Q(engine_id=engine, **{f"{name}__in": values})
    return condition


def _by_key(rows: QuerySet[RowT], name: str) -> dict[Key, RowT]:
    return {(row.engine_id, getattr(row, name)): row for row in rows}
