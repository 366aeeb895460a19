"""The product's own events. With them, trace and ledger show its messages to people like any other event. They are
processed when they are made. Some of them are sent to the task's engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Max

from notifications.items.representation import iso_utc, task_event
from notifications.models import Callback, Engine, Event, EventStatus, Task
from notifications.people import resolver
from notifications.types import Json, object_in
from wfpush.identifiers import uuid7
from wfpush.net import trace_context
from wfpush.postgres import bulk
from wfpush.queue import outbox

SOURCE = "wfpush"


def about_task(
    task: Task, type: str, event_id: str, now: datetime, *, time: datetime | None = None, **data: Json
) -> Event:
    """Return an event about the task, not saved. `time`: when it happened, if not now. `data` is added to the task's
    id. It continues the trace of the event that assigned the task, if that was read."""
    event = of_engine(task.engine, type, {"task": {"id": task.task_id}, **data}, now, event_id)
    event.subject, event.time, event.task, event.case = task.task_id, time or now, task, task.case
    assigned: Event | None = task._state.fields_cache.get("assigned_event")
    if assigned is not None:
        event.extensions = trace_context.attribute(assigned.extensions)
    return event


def of_engine(engine: Engine, type: str, data: Json, now: datetime, event_id: str = "") -> Event:
    """Return an event about no task, not saved."""
    return bulk.new(
        Event,
        engine=engine,
        source=SOURCE,
        event_id=event_id or str(uuid7()),
        type=type,
        time=now,
        received_at=now,
        data=data,
        digest="",
        group="",
        status=EventStatus.PROCESSED,
        processed_at=now,
    )


@dataclass(frozen=True)
class EngineCall:
    """A call that notifies the engine of a task. `id` is that of the callback and of its CloudEvent; `more`: further
    members of the event's data."""

    id: UUID
    task: Task
    type: str
    at: datetime
    due_at: datetime | None
    more: Mapping[str, Json] = field(default_factory=dict)
    policy: str | None = None
    step: int | None = None
    number: int = 0


def call_engines(calls: Sequence[EngineCall]) -> list[Callback]:
    """Create the callbacks, one for each task, in order among the task's answers. The tasks are locked."""
    if not calls:
        return []
    tasks = [call.task for call in calls]
    last = dict(Callback.objects.filter(task__in=tasks).order_by().values_list("task").annotate(Max("position")))
    rows = [
        Callback(
            id=call.id,
            engine_id=call.task.engine_id,
            task=call.task,
            position=last.get(call.task.pk, 0) + 1,
            **outbox.scheduled(call.at),
            body=task_event(call.id, call.type, call.task, call.at, _data(call)),
        )
        for call in calls
    ]
    bulk.insert(rows)
    outbox.wake_on_commit("callbacks")
    return rows


def _data(call: EngineCall) -> Json:
    return {
        "policy": call.policy,
        "step": call.step,
        "number": call.number,
        "due_at": iso_utc(call.due_at),
        "raised_at": iso_utc(call.at),
        "assignee": _assignee(call.task),
        **call.more,
    }


def _assignee(task: Task) -> Json | None:
    """Return the task's assignee as JSON; an unknown assignee by the engine's name."""
    if task.assignee is not None:
        return {**task.assignee.as_person()}
    ref = resolver.ref_of(object_in(task.data, "task").get("assignee"))
    return {"ref": ref, "name": ref} if ref else None
