"""One step that is taken: its input, its result, and its event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from escalations.models import Escalation, RunResult
from escalations.policies.rules import Occurrence, RuleSet, Step
from notifications.cases import own_events
from notifications.items.representation import iso_utc
from notifications.models import Event, Task
from notifications.reasons import Reason
from notifications.types import Json

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
    occurrence = taking.occurrence
    event_id = f"{taking.escalation.pk}/{occurrence.step.id}/{occurrence.number}"
    return own_events.about_task(taking.task, TYPE, event_id, taking.now, time=occurrence.at, escalation=_facts(taking))


def _facts(taking: Taking) -> Json:
    """What templates may use of it."""
    escalation = taking.escalation
    return {
        "policy": taking.rules.name,
        "step": taking.step.position,
        "number": taking.occurrence.number,
        "due_at": iso_utc(escalation.deadline),
        "overdue": escalation.deadline <= taking.now,
        "assignee": str(taking.task.assignee) if taking.task.assignee else "",
    }
