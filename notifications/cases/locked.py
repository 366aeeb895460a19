"""The cases and tasks of a batch of events, locked for its transaction.

Locks are taken in one order everywhere: cases, tasks, people; each in the order of their keys.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from django.db.models import Q, QuerySet

from notifications.models import Case, Event, Task, TaskState
from notifications.types import Json, behaviour_of, object_in

TYPES_THAT_ASK = ("task.assigned", "task.updated", "task.info_supplied", "task.escalated")
"""Events whose notifications ask for the task's answer; all others only inform."""

ENDINGS = {"task.completed": TaskState.COMPLETED, "task.cancelled": TaskState.CANCELLED}
"""Events by which an engine ends a task, and the state of the task then."""

Key = tuple[int, str]
"""Engine and the id that it uses."""

RowT = TypeVar("RowT", Case, Task)


def changes_its_task(event: Event) -> bool:
    return asks(event) or behaviour_of(event.type) in ENDINGS


def asks(event: Event) -> bool:
    """Whether its notifications ask for the task's answer. Such an event may reword copies that are there."""
    return behaviour_of(event.type) in TYPES_THAT_ASK


class Locked:
    """Cases that do not exist are made; tasks that do not exist are new objects, which the caller inserts.

    Tasks that an event only mentions are not locked.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self._cases = _cases({key for event in events if (key := case_key(event))})
        changed = {key for event in events if changes_its_task(event) and (key := task_key(event))}
        mentioned = {key for event in events if not changes_its_task(event) and (key := task_key(event))} - changed
        rows = Task.objects.filter(_any_of("task_id", changed)).order_by("engine_id", "task_id")
        self._tasks = _by_key(rows.select_for_update(no_key=True), "task_id") if changed else {}
        self._mentioned: dict[Key, Task] = {}
        if mentioned:
            known = Task.objects.filter(_any_of("task_id", mentioned)).select_related("assignee")
            self._mentioned = _by_key(known, "task_id")

    def case(self, event: Event) -> Case | None:
        return self._cases[key] if (key := case_key(event)) else None

    def task(self, event: Event) -> Task | None:
        """The task of an event that changes it."""
        key = task_key(event)
        if key is None:
            return None
        if key not in self._tasks:
            self._tasks[key] = Task(engine=event.engine, task_id=key[1])
        return self._tasks[key]

    def mentioned(self, event: Event) -> Task | None:
        key = task_key(event)
        return self._mentioned.get(key) if key else None


def known_tasks(events: Iterable[Event]) -> set[Key]:
    """The tasks of these events that earlier events have changed."""
    keys = {key for event in events if changes_its_task(event) and (key := task_key(event))}
    known = Task.objects.filter(_any_of("task_id", keys), last_event_time__isnull=False)
    return set(known.values_list("engine_id", "task_id")) if keys else set()


def case_key(event: Event) -> Key | None:
    return _key(event, object_in(event.data, "case"))


def task_key(event: Event) -> Key | None:
    return _key(event, object_in(event.data, "task"))


def _key(event: Event, said: Json) -> Key | None:
    return (event.engine_id, str(said["id"])) if said.get("id") else None


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
    found = Q()
    for engine, values in by_engine.items():
        found |= Q(engine_id=engine, **{f"{name}__in": values})
    return found


def _by_key(rows: QuerySet[RowT], name: str) -> dict[Key, RowT]:
    return {(row.engine_id, getattr(row, name)): row for row in rows}
