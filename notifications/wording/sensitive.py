"""Removes values that event types call sensitive now from the context of texts, so that lock screens do not show them.

The rules are read when a text is rendered, not when its template was published: running clocks keep their templates,
but the present rules apply. A removed value cannot appear by a capture, a loop, or an object printed whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from notifications.models import Event, EventVariable, Task
from notifications.types import Json, behaviour_of
from wfpush.postgres.revision import Compiled


def paths_of(event: Event, task: Task | None) -> tuple[str, ...]:
    """Return the sensitive paths of the event's type, and of the type of the event that assigned the task, whose data
    the task has."""
    types = {event.type, behaviour_of(event.type)}
    if task is not None and task.assigned_event_id is not None and task.assigned_event_id != event.pk:
        types |= {name for type in _assigned_by(task) for name in (type, behaviour_of(type))}
    return _BY_TYPE.get().of(frozenset(types))


def paths_of_task(task: Task) -> tuple[str, ...]:
    """Return the sensitive paths of all types of events that the task has had."""
    types = set(Event.objects.filter(task=task).values_list("type", flat=True))
    return _BY_TYPE.get().of(frozenset(types | {behaviour_of(type) for type in types}))


def _assigned_by(task: Task) -> Sequence[str]:
    """Return the type of the event that assigned the task. Callers with many tasks have read it for all of them."""
    if "assigned_event" in task._state.fields_cache and task.assigned_event is not None:
        return [task.assigned_event.type]
    return list(Event.objects.filter(pk__in=[task.assigned_event_id]).values_list("type", flat=True))


class _Paths:
    """The sensitive paths of event types."""

    def __init__(self, by_type: Mapping[str, set[str]]) -> None:
        self._by_type = by_type
        self._cache: dict[frozenset[str], tuple[str, ...]] = {}

    def of(self, types: frozenset[str]) -> tuple[str, ...]:
        """Return the sorted paths of these types. Engines choose type names, so only types with paths are cached."""
        relevant = types.intersection(self._by_type)
        if relevant not in self._cache:
            self._cache[relevant] = tuple(sorted({path for name in relevant for path in self._by_type[name]}))
        return self._cache[relevant]


def _read() -> _Paths:
    paths_by_type: dict[str, set[str]] = {}
    for name, path in EventVariable.objects.filter(sensitive=True).values_list("event_type__name", "path"):
        paths_by_type.setdefault(name, set()).add(path)
    return _Paths(paths_by_type)


_BY_TYPE = Compiled(_read)


def without_paths(data: Json, paths: Iterable[str]) -> Json:
    """Return a copy of the data without these paths."""
    for path in paths:
        data = _without_path(data, path.split("."))
    return data


def _without_path(data: Any, path: Sequence[str]) -> Any:
    """Return the data without the path; None if nothing is left. A person may be written as a `ref` alone. A path
    applies to all members of a list, unless it contains an index."""
    if not path or (isinstance(data, str) and list(path) == ["ref"]):
        return None
    name, *rest = path
    if isinstance(data, dict) and name in data:
        left = _without_path(data[name], rest)
        others = {each: value for each, value in data.items() if each != name}
        return others if left is None else {**data, name: left}
    if isinstance(data, list) and name.isdigit():
        return [_without_path(each, rest) if at == int(name) else each for at, each in enumerate(data)]
    if isinstance(data, list):
        return [_without_path(each, path) for each in data]
    return data
