"""Variables that a person may set with an answer: those that the task or its event type declares, and none of ours."""

from notifications.errors import InvalidAnswer
from notifications.models import EventVariable, Task
from notifications.models.routing import VARIABLES
from notifications.models.validators import MAX_NAME, OURS, is_ours, may_be_declared
from notifications.types import Json, behaviour_of
from wfpush.postgres.revision import Compiled
from wfpush.web.pointers import MAX_ERRORS, pointer, printable


def check(task: Task, variables: Json) -> None:
    """Raises InvalidAnswer, with a pointer to each variable that the person may not set."""
    declared_names = declared_by(task)
    refused = [name for name in variables if name not in declared_names]
    if refused:
        errors = [
            {"pointer": pointer("/variables", _short(name)), "detail": _why(name)} for name in refused[:MAX_ERRORS]
        ]
        takes = ", ".join(sorted(declared_names)) or "none"
        raise InvalidAnswer(f"{_why(refused[0])} It takes {takes}.", errors=errors)


def declared_by(task: Task) -> set[str]:
    """Return the variables declared by the task, and by the type of the event that assigned it."""
    type = task.assigned_event.type if task.assigned_event is not None else "task.assigned"
    settable = _SETTABLE.get()
    of_type = settable.get(type, frozenset()) | settable.get(behaviour_of(type), frozenset())
    task_fields = task.data.get("task")
    listed = task_fields.get("answer_variables") if isinstance(task_fields, dict) else None
    return {name for name in [*of_type, *(listed if isinstance(listed, list) else [])] if may_be_declared(name)}


def _read() -> dict[str, frozenset[str]]:
    by_type: dict[str, set[str]] = {}
    settable = EventVariable.objects.filter(settable=True, path__startswith=VARIABLES)
    for type, path in settable.values_list("event_type__name", "path"):
        by_type.setdefault(type, set()).add(path.removeprefix(VARIABLES))
    return {type: frozenset(names) for type, names in by_type.items()}


_SETTABLE = Compiled(_read)
"""The variables that answers may set, by the type of the event."""


def _why(name: str) -> str:
    if is_ours(name):
        return f"“{_short(name)}” is not yours to set: names that begin with {OURS} are wfpush's own."
    return f"“{_short(name)}” is no variable that an answer to this task may set."


def _short(name: str) -> str:
    return printable(name[:MAX_NAME])
