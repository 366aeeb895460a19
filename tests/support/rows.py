"""All rows that events and steps leave, by names that do not change from one try to the next: to compare how they came
about."""

import json
import re
from collections.abc import Iterator
from typing import Any

from escalations.models import Escalation, StepRun
from notifications.models import (
    Addressee,
    Callback,
    Case,
    Delivery,
    Event,
    Notification,
    Recipient,
    Task,
    TaskMessage,
)
from notifications.types import Json

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def left() -> Iterator[str]:
    for event in Event.objects.select_related("task", "case"):
        plan = _without_ids(event.plan)
        yield _row("event", name_of(event), event.status, plan, event.told, event.unresolved, event.error, event.task)
    for case in Case.objects.all():
        yield _row("case", case.engine, case.case_id, case.title, case.status, case.status_time)
    for task in Task.objects.select_related("assignee", "initiator", "case", "assigned_event__task"):
        fields = {name: getattr(task, name) for name in TASK}
        many = (sorted(map(str, task.candidates.all())), sorted(map(str, task.teams.all())))
        people = (task.assignee, task.initiator, task.case, task.assigned_event and name_of(task.assigned_event))
        yield _row("task", task.engine, fields, many, people)
    for item in Notification.objects.select_related(*RELATED):
        fields = {name: getattr(item, name) for name in ITEM}
        assert item.event is not None
        about = (item.recipient, item.task, item.case, item.on_behalf_of, item.brand)
        version = item.template_version and (item.template_version.template.slug, item.template_version.number)
        yield _row("item", name_of(item.event), *about, version, fields)
    for sent in Delivery.objects.select_related("event__task", "recipient", "notification__task"):
        fields = {name: getattr(sent, name) for name in SENT}
        yield _row("sent", name_of(sent.event), sent.recipient, sent.notification.title, fields)
    for clock in Escalation.objects.select_related("task", "policy"):
        yield _row("clock", clock.task, clock.policy, clock.state, clock.deadline, clock.why, clock.end_reason)
    for run in StepRun.objects.select_related("escalation__task", "event"):
        fields = {name: getattr(run, name) for name in RUN}
        yield _row("step", run.escalation.task, fields, _without_ids({"recipients": run.told}), run.event is None)
    for call in Callback.objects.select_related("task"):
        yield _row("call", call.task, call.position, call.state, call.due_at, _UUID.sub("…", call.body))
    for message in TaskMessage.objects.select_related("task", "author", "reply_to"):
        said = (message.number, message.kind, message.text, message.late, message.at, message.due_at, message.told_at)
        yield _row("message", message.task, message.author, *said)
    for asked in Addressee.objects.select_related("message__task", "person", "item"):
        yield _row("addressee", asked.message.task, asked.message.number, asked.person, asked.state, asked.item)
    for person in Recipient.objects.all():
        yield _row("person", person.ref, person.name, person.engine, person.locale, person.inbox_seq)


def name_of(event: Event) -> str:
    """The id that the engine gave it; events of our own by their task, instead of the ids of rows."""
    if event.source != "wfpush" or event.task is None:
        return _UUID.sub("…", event.event_id)
    step, message = event.data.get("escalation"), event.data.get("message")
    if isinstance(message, dict):
        return f"{event.task.task_id}/{message['kind']}"
    told = f"{step['step']}/{step['number']}" if step else event.event_id.partition("/")[2]
    return f"{event.task.task_id}/{told}"


TASK = ["task_id", "name", "priority", "due_at", "sla_due_at", "actions", "data", "info", "state", "outcome"]
TASK += ["last_event_time", "states_before", "escalated"]
RELATED = ["event__task", "recipient", "task", "case", "on_behalf_of", "brand", "template_version__template"]
ITEM = ["category_id", "route_id", "language", "state", "priority", "title", "body", "url"]
ITEM += ["short_body", "due_at", "actions", "details", "outcome", "reason_fact", "is_copy", "read_at"]
SENT = ["channel", "address", "turn", "state", "reason_fact", "words", "due_at", "outdated", "expires_at"]


RUN = ["number", "due_at", "ran_at", "result", "why_fact"]


def _row(*values: Any) -> str:
    return _UUID.sub("…", json.dumps(values, default=str, sort_keys=True))


def _without_ids(plan: Json) -> Json:
    """Nor names: whoever one event of a batch renames has the new name in traces of tasks that another one ends."""
    people = sorted(
        ({**each, "notification": "", "recipient": 0, "name": ""} for each in plan.get("recipients", [])),
        key=lambda each: json.dumps(each, sort_keys=True),
    )
    return {**plan, "recipients": people}


def assert_contiguous() -> None:
    """Each person's inbox has each number once, up to the last."""
    for person in Recipient.objects.filter(inbox_seq__gt=0):
        seqs = list(Notification.objects.filter(recipient=person).values_list("seq", flat=True))
        assert len(seqs) == len(set(seqs)) and max(seqs) == person.inbox_seq
