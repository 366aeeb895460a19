"""What the kinds of steps do: one function each, in one list. Each runs in the transaction that records it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max

from escalations.models import Escalation, RunResult, StepKind
from escalations.rules import Occurrence, RuleSet, Step
from escalations.targets import OWN, Found, Search, whom
from notifications import casework, copies, pipeline, planning, writing
from notifications.models import Callback, Category, Delivery, Event, EventStatus, Priority, Task
from notifications.representation import stamp
from notifications.route import Addressed, Manner
from notifications.types import Json
from notifications.writing import Writer
from wfpush import outbox
from wfpush.identifiers import uuid7

TYPE = "task.escalation_raised"
SOURCE = "wfpush"
ORDER = [priority.value for priority in Priority]


@dataclass(frozen=True)
class Taking:
    """A step that is taken now. `task` is locked and answerable; `now` may be later than the occurrence."""

    escalation: Escalation
    task: Task
    rules: RuleSet
    occurrence: Occurrence
    now: datetime

    @property
    def step(self) -> Step:
        return self.occurrence.step


@dataclass(frozen=True)
class Taken:
    """What came of it: the trace's row."""

    result: RunResult
    why: str
    told: Sequence[Json] = field(default_factory=list)
    event: Event | None = None


def take(taking: Taking) -> Taken:
    return STEPS[taking.step.kind](taking)


# --- telling people ---------------------------------------------------------------------------------------------------
def _notify(taking: Taking) -> Taken:
    search = Search(taking.task, taking.step, taking.now)
    found = whom(search, taking.rules)
    if not found:
        return Taken(RunResult.NOBODY, "; ".join(search.notes))
    event = _event(taking)
    planner = _planner(taking, event)
    _tell(taking, found, planner)
    _keep(event, planner.plan)
    return Taken(RunResult.DONE, "; ".join(search.notes), _told(planner.plan), event)


def _tell(taking: Taking, found: Sequence[Found], planner: planning.Planner) -> None:
    """Who has the task's copy is told anew on it; who has none gets one."""
    people = {each.recipient.pk: each for each in found}
    have = set(copies.open_recipients(taking.task))
    copies.lock(have | people.keys())
    manner = _manner(taking)
    if manner.escalated:
        _note_escalated(taking, found)
    open_copies = copies.open_copies(taking.task)
    reasons = {pk: each.reason for pk, each in people.items() if pk in have}
    if reasons:
        planner.rewrite(open_copies.filter(recipient_id__in=reasons), alert=_alert(manner), manner=manner, why=reasons)
    if manner.escalated:
        copies.change(open_copies.exclude(recipient_id__in=people), taking.now, on_devices=False)
    planner.notify(
        [
            Addressed(each.recipient, manner, each.reason, each.on_behalf_of)
            for each in found
            if each.recipient.pk not in have
        ]
    )


def _alert(manner: Manner) -> str:
    return "escalated" if manner.escalated else "reminded"


def _manner(taking: Taking) -> Manner:
    step = taking.step
    category = Category.objects.get(pk=step.category or 0)
    return Manner(
        name=taking.rules.name,
        category=category,
        channels=step.channels or category.channels,
        template_id=step.template or 0,
        version=writing.published_versions([step.template or 0]).get(step.template or 0),
        escalated=step.target not in OWN,
    )


def _note_escalated(taking: Taking, found: Sequence[Found]) -> None:
    """The task itself knows who heard of it, for everybody to see."""
    known = {each["ref"] for each in taking.task.escalated}
    taking.task.escalated = [
        *taking.task.escalated,
        *({**each.recipient.as_person(), "at": stamp(taking.now)} for each in found if each.recipient.ref not in known),
    ]
    taking.task.save(update_fields=["escalated", "updated_at"])


# --- raising the priority ---------------------------------------------------------------------------------------------
def _raise_priority(taking: Taking) -> Taken:
    task, wanted = taking.task, taking.step.priority
    if ORDER.index(task.priority) >= ORDER.index(wanted):
        return Taken(RunResult.DONE, f"The priority was {task.get_priority_display()} already")
    task.priority = wanted
    task.data = casework.merged(task.data, {"task": {"priority": wanted}})  # so that the next event keeps it
    task.save(update_fields=["priority", "data", "updated_at"])
    event = _event(taking)
    planner = _planner(taking, event)
    alert = "became urgent" if wanted == Priority.URGENT else ""
    planner.rewrite(copies.open_copies(task), alert=alert)
    _keep(event, planner.plan)
    return Taken(RunResult.DONE, f"The priority is {task.get_priority_display()}", _told(planner.plan), event)


# --- telling the engine -----------------------------------------------------------------------------------------------
def _tell_engine(taking: Taking) -> Taken:
    task = taking.task
    if not task.engine.callback_url:
        return Taken(RunResult.NOBODY, f"{task.engine} has no address to call")
    event = _event(taking)
    last = task.callbacks.aggregate(last=Max("position"))["last"] or 0
    Callback.objects.create(
        id=event.pk,
        engine_id=task.engine_id,
        task=task,
        position=last + 1,
        due_at=taking.now,
        body=_word(taking, event),
    )
    outbox.wake_on_commit("callbacks")
    return Taken(RunResult.DONE, f"{task.engine} is told", event=event)


def _word(taking: Taking, event: Event) -> str:
    """The CloudEvent of docs/api.md, "Answers out to the engine", written once: every retry is byte-identical."""
    task = taking.task
    data = {
        "task_id": task.task_id,
        "case_id": task.case.case_id if task.case else None,
        "policy": taking.rules.name,
        "step": taking.step.position,
        "number": taking.occurrence.number,
        "due_at": stamp(taking.escalation.deadline),
        "raised_at": stamp(taking.now),
        "assignee": task.assignee.as_person() if task.assignee else None,
    }
    said = {
        "specversion": "1.0",
        "id": str(event.pk),
        "source": SOURCE,
        "type": TYPE,
        "subject": task.task_id,
        "time": stamp(taking.now),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


STEPS: dict[StepKind, Callable[[Taking], Taken]] = {
    StepKind.NOTIFY: _notify,
    StepKind.RAISE_PRIORITY: _raise_priority,
    StepKind.TELL_ENGINE: _tell_engine,
}


# --- the event that a step is -----------------------------------------------------------------------------------------
def _event(taking: Taking) -> Event:
    """Of our own, so that the trace and the ledger tell of it as of any other. It is processed as it is made."""
    task, occurrence = taking.task, taking.occurrence
    return Event.objects.create(
        id=uuid7(),
        engine_id=task.engine_id,
        source=SOURCE,
        event_id=f"{taking.escalation.pk}/{occurrence.step.id}/{occurrence.number}",
        type=TYPE,
        subject=task.task_id,
        time=occurrence.at,
        received_at=taking.now,
        data={"task": {"id": task.task_id}, "escalation": _facts(taking)},
        digest="",
        group="",
        status=EventStatus.PROCESSED,
        processed_at=taking.now,
        task=task,
        case=task.case,
    )


def _facts(taking: Taking) -> Json:
    """What templates may say of it."""
    escalation = taking.escalation
    return {
        "policy": taking.rules.name,
        "step": taking.step.position,
        "number": taking.occurrence.number,
        "due_at": stamp(escalation.deadline),
        "overdue": escalation.deadline <= taking.now,
        "assignee": str(taking.task.assignee) if taking.task.assignee else "",
    }


def _planner(taking: Taking, event: Event) -> planning.Planner:
    task = taking.task
    facts = pipeline.facts_of(event, casework.Change(task=task, case=task.case))
    return planning.Planner(
        event, task, task.case, Writer(event, task, facts), planning.Plan(), taking.now, is_task=True
    )


def _keep(event: Event, plan: planning.Plan) -> None:
    event.plan, event.told = plan.as_json(), Delivery.objects.filter(event=event).count()
    event.save(update_fields=["plan", "told"])
    for source in ("push", "deliveries"):
        outbox.wake_on_commit(source)


def _told(plan: planning.Plan) -> list[Json]:
    """Without ids, which a simulation has others of."""
    return [
        {
            "ref": each["ref"],
            "name": each["name"],
            "reason": each["reason"],
            "title": each["title"],
            "channels": each["channels"],
        }
        for each in plan.recipients
    ]
