"""What lock screens must not show, as event types say it now: taken out of what their texts are made of.

It is looked up when a text is made, and not when its template was published: a running clock keeps its templates, but
no rule about them. What is taken out of the context cannot come back by a capture, a loop, or an object written whole.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from notifications.models import Event, EventVariable, Task
from notifications.types import Json, behaviour_of


def paths_of(event: Event, task: Task | None) -> tuple[str, ...]:
    """Those that the event's type calls sensitive, or the type of the event that assigned the task: it has its data."""
    types = {event.type, behaviour_of(event.type)}
    if task is not None and task.assigned_event_id is not None and task.assigned_event_id != event.pk:
        assigned = Event.objects.filter(pk=task.assigned_event_id).values_list("type", flat=True)
        types |= {name for type in assigned for name in (type, behaviour_of(type))}
    rows = EventVariable.objects.filter(event_type__name__in=types, sensitive=True)
    return tuple(rows.order_by("path").values_list("path", flat=True).distinct())


def without(data: Json, paths: Iterable[str]) -> Json:
    """The data less what is at the paths; what was given is left as it was."""
    for path in paths:
        data = _less(data, path.split("."))
    return data


def _less(data: Any, path: Sequence[str]) -> Any:
    """None for what is gone. A person may be written as their `ref` alone; a list's members are all meant, unless the
    path numbers one."""
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
