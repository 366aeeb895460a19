"""Removes from the context of texts what event types call sensitive now, so that lock screens do not show it.

It is looked up when a text is rendered, not when its template was published: running clocks keep their templates, but
the present rules apply. What is not in the context cannot appear by a capture, a loop, or an object printed whole.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from notifications.models import Event, EventVariable, Task
from notifications.types import Json, behaviour_of


def paths_of(event: Event, task: Task | None) -> tuple[str, ...]:
    """The sensitive paths of the event's type, or of the type of the event that assigned the task, whose data the task
    has."""
    types = {event.type, behaviour_of(event.type)}
    if task is not None and task.assigned_event_id is not None and task.assigned_event_id != event.pk:
        assigned = Event.objects.filter(pk=task.assigned_event_id).values_list("type", flat=True)
        types |= {name for type in assigned for name in (type, behaviour_of(type))}
    rows = EventVariable.objects.filter(event_type__name__in=types, sensitive=True)
    return tuple(rows.order_by("path").values_list("path", flat=True).distinct())


def without_paths(data: Json, paths: Iterable[str]) -> Json:
    """A copy of the data without these paths."""
    for path in paths:
        data = _less(data, path.split("."))
    return data


def _less(data: Any, path: Sequence[str]) -> Any:
    """None if the value is removed. A person may be written as a `ref` alone. A path applies to all members of a list,
    unless it contains an index."""
    if not path or (isinstance(data, str) and list(path) == ["ref"]):
        return None
    name, *rest = path
    if isinstance(data, dict) and name in data:
        left = _less(data[name], rest)
        others = {each: value for each, value in data.items() if each != name}
        return others if left is None else {**data, name: left}
    if isinstance(data, list) and name.isdigit():
        return [_less(each, rest) if at == int(name) else each for at, each in enumerate(data)]
    if isinstance(data, list):
        return [_less(each, path) for each in data]
    return data
