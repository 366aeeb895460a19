"""Which variables a person may set with an answer: those that the task or its event type declares, and none of ours."""

from django.db.models import Q

from notifications.errors import InvalidAnswer
from notifications.models import EventVariable, Task
from notifications.models.routing import VARIABLES
from notifications.models.variable_names import MAX_NAME, OURS, is_ours, may_be_declared
from notifications.types import Json, behaviour_of
from wfpush.web.pointers import MAX_ERRORS, pointer, printable


def check(task: Task, said: Json) -> None:
    """Raises InvalidAnswer, with a pointer to each variable that the person may not set."""
    if not said:
        return
    known = declared_by(task)
    refused = [name for name in said if name not in known]
    if refused:
        errors = [
            {"pointer": pointer("/variables", _short(name)), "detail": _why(name)} for name in refused[:MAX_ERRORS]
        ]
        takes = ", ".join(sorted(known)) or "none"
        raise InvalidAnswer(f"{_why(refused[0])} It takes {takes}.", errors=errors)


def declared_by(task: Task) -> set[str]:
    """The variables declared by the task in the engine's event, and by the type of the event that assigned it."""
    type = task.assigned_event.type if task.assigned_event is not None else "task.assigned"
    of_type = Q(event_type__name__in={type, behaviour_of(type)}, settable=True, path__startswith=VARIABLES)
    paths = EventVariable.objects.filter(of_type).values_list("path", flat=True)
    told = task.data.get("task")
    listed = told.get("answer_variables") if isinstance(told, dict) else None
    names = [*(path.removeprefix(VARIABLES) for path in paths), *(listed if isinstance(listed, list) else [])]
    return {name for name in names if may_be_declared(name)}


def _why(name: str) -> str:
    if is_ours(name):
        return f"“{_short(name)}” is not yours to set: names that begin with {OURS} are wfpush's own."
    return f"“{_short(name)}” is no variable that an answer to this task may set."


def _short(name: str) -> str:
    return printable(name[:MAX_NAME])
