"""An engine's own JSON, turned into a CloudEvent by the engine's mapping: one JMESPath expression a member.

Facts about the engines' JSON are those of their REST documentation: Flowable's and OpenText's task representation
(OpenText's workflow service derives from Flowable), Camunda 7's TaskDto and the TaskEvent of its Spring eventing.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from notifications.errors import InvalidEvent
from notifications.intake import cloudevents
from notifications.intake.eventdata import fault
from notifications.intake.expressions import Evaluation, TooMuch
from notifications.intake.strictjson import MAX_DEPTH, BadText, bad_texts, deeper_than
from notifications.models import Engine, EventMapping
from notifications.types import InboundEvent, Json
from wfpush.web.pointers import cut

MAX_REASON = 200
"""Characters of what is wrong with one expression: it may repeat the document."""

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
    evaluation = Evaluation()
    for member, expression in mapping:
        try:
            value = evaluation.search(expression, document)
        except Exception as wrong:  # an administrator's expression over whatever was sent: any fault is theirs to mend
            reason = cut((str(wrong) or type(wrong).__name__).splitlines()[0], MAX_REASON)
            faults.append(fault("/" + member.replace(".", "/"), f"The mapping `{expression}` failed: {reason}"))
            continue
        if value is not None and value != "":
            _place(event, member.split("."), value)
    faults = faults or [fault(where, why) for where, why in _unfit(event, evaluation)]
    if faults:
        raise InvalidEvent("The engine's mapping does not fit this JSON. Mend it in the administration.", faults)
    return event


def _unfit(event: Json, evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Why an event that was put together may not go on, as no body would that was sent so."""
    try:
        evaluation.weigh(event)
    except TooMuch as wrong:
        yield "", f"The mapping as a whole: {wrong}"
        return
    if deeper_than(event, MAX_DEPTH):
        yield "", f"The mapping nests what it makes in more than {MAX_DEPTH} levels."
        return
    yield from ((where, BadText.detail) for where in bad_texts(event))


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
