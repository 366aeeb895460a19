"""One step that is taken: its input, its result, and its event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from escalations.models import Escalation, RunResult
from escalations.policies.rules import Occurrence, RuleSet, Step
from notifications.items.representation import iso_utc
from notifications.models import Event, EventStatus, Task
from notifications.reasons import Reason
from notifications.types import Json
from wfpush.postgres import bulk

TYPE = "task.escalation_raised"
EVENT_SOURCE = "wfpush"


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
    """An event of our own, so that trace and ledger show the step like any other event. It is processed when it is
    made."""
    task, occurrence = taking.task, taking.occurrence
    return bulk.new(
        Event,
        engine=task.engine,
        source=EVENT_SOURCE,
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
