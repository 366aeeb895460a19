"""Calls of steps to the engine: an event of ours, stored once as a callback. callback.py sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from escalations import reasons
from escalations.kinds.base import StepOutcome, Taking, event_of
from escalations.models import RunResult
from notifications.cases import internal_events
from notifications.models import Event
from notifications.types import Json
from wfpush.postgres import bulk


@dataclass(frozen=True)
class Call:
    """A call of a step to the engine: the type of the event, and further members of its data."""

    taking: Taking
    type: str
    more: Mapping[str, Json] = field(default_factory=dict)


def make(calls: Sequence[Call]) -> list[Event]:
    """Create the callbacks, each of another task, in order among the task's answers. Return the steps' events in the
    order of the calls."""
    events = [event_of(call.taking) for call in calls]
    bulk.insert(events)
    internal_events.call_engines(
        [
            internal_events.EngineCall(
                event.pk,
                call.taking.task,
                call.type,
                call.taking.now,
                call.taking.escalation.deadline,
                call.more,
                call.taking.rules.name,
                call.taking.step.position,
                call.taking.occurrence.number,
            )
            for call, event in zip(calls, events, strict=True)
        ]
    )
    return events


def no_address(taking: Taking) -> StepOutcome:
    return StepOutcome(RunResult.NOBODY, reasons.NO_ADDRESS(engine=taking.task.engine))
