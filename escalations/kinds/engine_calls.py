"""Calls by which steps tell the engine something: an event of ours, stored once as a callback. callback.py sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Max

from escalations import reasons
from escalations.kinds.base import Taken, Taking, event_of
from escalations.models import RunResult
from notifications.items.representation import iso_utc, task_event
from notifications.models import Callback, Event, Task
from notifications.people import resolver
from notifications.types import Json, object_in
from wfpush.postgres import bulk
from wfpush.queue import outbox


@dataclass(frozen=True)
class Call:
    """What a step tells the engine: the type of the event, and further members of its data."""

    taking: Taking
    type: str
    more: Mapping[str, Json] = field(default_factory=dict)


def make(calls: Sequence[Call]) -> list[Event]:
    """Create the callbacks, each of another task, in order among the task's answers. Returns the events of the steps,
    in the order of the calls."""
    if not calls:
        return []
    events = [event_of(each.taking) for each in calls]
    bulk.insert(events)
    tasks = [each.taking.task for each in calls]
    last = dict(Callback.objects.filter(task__in=tasks).order_by().values_list("task").annotate(Max("position")))
    bulk.insert(
        [
            Callback(
                id=event.pk,
                engine_id=task.engine_id,
                task=task,
                position=last.get(task.pk, 0) + 1,
                **outbox.scheduled(call.taking.now),
                body=_body(call, event),
            )
            for task, call, event in zip(tasks, calls, events, strict=True)
        ]
    )
    outbox.wake_on_commit("callbacks")
    return events


def no_address(taking: Taking) -> Taken:
    return Taken(RunResult.NOBODY, reasons.NO_ADDRESS(engine=taking.task.engine))


def _body(call: Call, event: Event) -> str:
    taking = call.taking
    data = {
        "policy": taking.rules.name,
        "step": taking.step.position,
        "number": taking.occurrence.number,
        "due_at": iso_utc(taking.escalation.deadline),
        "raised_at": iso_utc(taking.now),
        "assignee": _holder(taking.task),
        **call.more,
    }
    return task_event(event.pk, call.type, taking.task, taking.now, data)


def _holder(task: Task) -> Json | None:
    """Return the task's assignee as JSON; one who is unknown here by the engine's name."""
    if task.assignee is not None:
        return task.assignee.as_person()
    ref = resolver.ref_of(object_in(task.data, "task").get("assignee"))
    return {"ref": ref, "name": ref} if ref else None
