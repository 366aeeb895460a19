"""An engine's own JSON, turned into a CloudEvent by the engine's mapping: one JMESPath expression a member.

Facts about the engines' JSON are those of their REST documentation: Flowable's and OpenText's task representation
(OpenText's workflow service derives from Flowable), Camunda 7's TaskDto and the TaskEvent of its Spring eventing.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from jmespath import Options, compile, exceptions, functions

from notifications import cloudevents
from notifications.errors import InvalidEvent
from notifications.eventdata import fault
from notifications.models import Engine, EventMapping
from notifications.types import InboundEvent, Json

_PRIORITY = "(priority >= `75` && 'urgent') || (priority > `50` && 'high') || (priority < `50` && 'low') || 'normal'"
_FLOWABLE = {
    # A task reassigned without a claim keeps its times: only its assignee tells the two events apart.
    "id": (
        "join(':', [id, not_null(eventType, 'assigned'), not_null(assignee, ''), not_null(claimTime, createTime, '')])"
    ),
    "type": (
        "(eventType == 'completed' && 'task.completed') || (eventType == 'cancelled' && 'task.cancelled')"
        " || (eventType == 'updated' && 'task.updated') || 'task.assigned'"
    ),
    "subject": "id",
    "time": "not_null(timestamp, claimTime, createTime)",
    "data.task.id": "id",
    "data.task.name": "name",
    "data.task.description": "description",
    "data.task.kind": "category",
    "data.task.assignee": "assignee",
    "data.task.candidates": "candidateUsers",
    "data.task.teams": "candidateGroups",
    "data.task.initiator": "owner",
    "data.task.due_at": "dueDate",
    "data.task.priority": _PRIORITY,
    "data.case.id": "processInstanceId",
    "data.case.title": "processInstanceName",
    "data.variables": "by_name(variables)",
}
PRESETS: dict[str, dict[str, str]] = {
    "flowable": _FLOWABLE,
    "opentext": _FLOWABLE
    | {
        "data.task.candidates": "assignments[?user && type != 'assignee'].user",
        "data.task.teams": "assignments[?group].group",
    },
    "camunda7": {
        "id": "join(':', [id, not_null(eventName, 'create'), not_null(lastUpdated, createTime, created, '')])",
        "type": (
            "(eventName == 'complete' && 'task.completed') || (eventName == 'delete' && 'task.cancelled')"
            " || (eventName == 'update' && 'task.updated') || 'task.assigned'"
        ),
        "subject": "id",
        "time": "not_null(timestamp, lastUpdated, createTime, created)",
        "data.task.id": "id",
        "data.task.name": "name",
        "data.task.description": "description",
        "data.task.assignee": "assignee",
        "data.task.candidates": "candidateUsers",
        "data.task.teams": "candidateGroups",
        "data.task.initiator": "owner",
        "data.task.due_at": "not_null(due, dueDate)",
        "data.task.priority": _PRIORITY,
        "data.case.id": "not_null(caseInstanceId, processInstanceId)",
        "data.variables": "by_name(variables)",
    },
    "camunda8": {
        # A listener's job tells two changes of the same kind apart; a job that is tried again keeps its key.
        "id": (
            "join(':', [userTaskKey, not_null(eventType, 'assigning'), not_null(assignee, ''),"
            " to_string(not_null(jobKey, ''))])"
        ),
        "type": (
            "(eventType == 'completing' && 'task.completed') || (eventType == 'canceling' && 'task.cancelled')"
            " || (eventType == 'updating' && 'task.updated') || 'task.assigned'"
        ),
        "subject": "userTaskKey",
        "data.task.id": "userTaskKey",
        "data.task.name": "not_null(name, elementId)",
        "data.task.assignee": "assignee",
        "data.task.candidates": "candidateUsers",
        "data.task.teams": "candidateGroups",
        "data.task.due_at": "dueDate",
        "data.task.priority": _PRIORITY,
        "data.case.id": "processInstanceKey",
        "data.case.title": "processName",
        "data.variables": "variables",
    },
}
"""Mappings to begin with, by name; what an engine's model sends decides whether they fit."""


class InvalidExpression(ValueError):
    """Not JMESPath; the message is for the person who typed it."""


class _Functions(functions.Functions):  # type: ignore[misc]  # jmespath has no types
    @functions.signature({"types": ["array", "object", "null"]})  # type: ignore[untyped-decorator]
    def _func_by_name(self, variables: Any) -> Json | None:
        """Variables as engines list them, [{"name", "value"}] or {"name": {"value"}}, as {"name": value}."""
        if isinstance(variables, dict):
            return {name: _value(variable) for name, variable in variables.items()}
        named = [variable for variable in variables or [] if isinstance(variable, dict)]
        return {
            variable["name"]: _value(variable) for variable in named if isinstance(variable.get("name"), str)
        } or None


def _value(variable: Any) -> Any:
    return variable["value"] if isinstance(variable, dict) and "value" in variable else variable


_OPTIONS = Options(custom_functions=_Functions())


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    return compile(expression)


def check_expression(expression: str) -> None:
    """Raises InvalidExpression with a sentence for the person who typed it."""
    try:
        _compiled(expression).search({}, _OPTIONS)
    except (exceptions.UnknownFunctionError, exceptions.ArityError, exceptions.EmptyExpressionError) as wrong:
        raise InvalidExpression(str(wrong)) from None
    except exceptions.ParseError as wrong:
        raise InvalidExpression(f"This is not JMESPath: {str(wrong).splitlines()[0]}") from None
    except exceptions.JMESPathError:
        return  # it is JMESPath; what it needs is not in an empty document


def use_preset(engine: Engine, name: str) -> None:
    """Replace the engine's mapping by a preset. Raises KeyError for one that does not exist."""
    preset = PRESETS[name]
    engine.event_mappings.all().delete()
    EventMapping.objects.bulk_create(
        EventMapping(engine=engine, member=member, expression=expression) for member, expression in preset.items()
    )


def read(engine: Engine, document: Any) -> InboundEvent:
    """The event that an engine's own JSON means. Raises InvalidEvent, also without a mapping or a stable id."""
    rows = list(engine.event_mappings.values_list("member", "expression"))
    if not rows:
        raise InvalidEvent(
            "This is no CloudEvent (specversion is missing), and the engine has no mapping for other JSON. "
            "Send a CloudEvent, or set up the mapping in the administration.",
            [fault("/specversion", "Write “1.0”, the version of CloudEvents.")],
        )
    return cloudevents.structured(translate(rows, document, source=f"/engines/{engine.slug}"))


def translate(mapping: Iterable[tuple[str, str]], document: Any, *, source: str) -> Json:
    """The CloudEvent as a mapping of (member, expression) makes it, unchecked. `source` is used where it says none.

    What an expression finds nothing for, or an empty text, is left out. Raises InvalidEvent when one fails.
    """
    event: Json = {"specversion": "1.0", "source": source}
    faults = []
    for member, expression in mapping:
        try:
            value = _compiled(expression).search(document, _OPTIONS)
        except Exception as wrong:  # an administrator's expression over whatever was sent: any fault is theirs to mend
            reason = (str(wrong) or type(wrong).__name__).splitlines()[0]
            faults.append(fault("/" + member.replace(".", "/"), f"The mapping `{expression}` failed: {reason}"))
            continue
        if value is not None and value != "":
            _place(event, member.split("."), value)
    if faults:
        raise InvalidEvent("The engine's mapping does not fit this JSON. Mend it in the administration.", faults)
    return event


def _place(event: Json, path: list[str], value: Any) -> None:
    """Put a value under its path; objects on the way are made, and one that an expression gave is added to."""
    *parents, last = path
    for name in parents:
        inner = event.get(name)
        if not isinstance(inner, dict):
            inner = event[name] = {}
        event = inner
    known = event.get(last)
    event[last] = {**value, **known} if isinstance(known, dict) and isinstance(value, dict) else value
