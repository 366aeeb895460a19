"""One step that is taken: its input, its result, its event, and the plan of its messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from escalations.models import Escalation, RunResult
from escalations.policies.rules import Occurrence, RuleSet, Step
from notifications.cases import own_events
from notifications.cases.facts import facts_of_task
from notifications.items.representation import iso_utc
from notifications.models import Event, Task
from notifications.reasons import Reason
from notifications.routing import fanout
from notifications.routing.addressing import Contacts
from notifications.routing.plan import Plan
from notifications.types import Json
from notifications.wording.batch_render import Writer

TYPE = "task.escalation_raised"


@dataclass(frozen=True)
class Taking:
    """A step to be taken now. `task` is locked and answerable; `now` may be later than the occurrence."""

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
    """The result of a step: the row for the trace."""

    result: RunResult
    why: Reason
    told: Sequence[Json] = field(default_factory=list)
    event: Event | None = None


def event_of(taking: Taking) -> Event:
    escalation, occurrence = taking.escalation, taking.occurrence
    facts = {  # what templates may use of it
        "policy": taking.rules.name,
        "step": taking.step.position,
        "number": occurrence.number,
        "due_at": iso_utc(escalation.deadline),
        "overdue": escalation.deadline <= taking.now,
        "assignee": str(taking.task.assignee) if taking.task.assignee else "",
    }
    event_id = f"{escalation.pk}/{occurrence.step.id}/{occurrence.number}"
    return own_events.about_task(taking.task, TYPE, event_id, taking.now, time=occurrence.at, escalation=facts)


# --- its messages, planned like those of any other event --------------------------------------------------------------
def planner_of(taking: Taking, event: Event, contacts: Contacts) -> fanout.Planner:
    task = taking.task
    writer = Writer(event, task, facts_of_task(task, task.case, event))
    return fanout.Planner(event, task, task.case, writer, Plan(), taking.now, True, contacts)


def with_plan(planner: fanout.Planner) -> Event:
    """The event, to be inserted before what was planned is saved."""
    event = planner.event
    event.plan, event.told = planner.plan.as_json(), len(planner.deliveries)
    return event


def told_by(plan: Plan) -> list[Json]:
    """Without ids, since those of a simulation differ."""
    names = ("ref", "name", "reason_fact", "title", "channels")
    return [{name: each[name] for name in names} for each in plan.recipients]
