"""Events of our own, so that trace and ledger show what we tell people like any other event. They are processed when
they are made."""

from datetime import datetime

from notifications.models import Engine, Event, EventStatus, Task
from notifications.types import Json
from wfpush.identifiers import uuid7
from wfpush.postgres import bulk

SOURCE = "wfpush"


def about_task(
    task: Task, type: str, event_id: str, now: datetime, *, time: datetime | None = None, **data: Json
) -> Event:
    """Return an event about the task, not saved. `time`: when it happened, if not now. `data` is added to the task's
    id."""
    event = of_engine(task.engine, type, {"task": {"id": task.task_id}, **data}, now, event_id)
    event.subject, event.time, event.task, event.case = task.task_id, time or now, task, task.case
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
