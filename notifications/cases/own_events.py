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
    return bulk.new(
        Event,
        engine=task.engine,
        source=SOURCE,
        event_id=event_id,
        type=type,
        subject=task.task_id,
        time=time or now,
        received_at=now,
        data={"task": {"id": task.task_id}, **data},
        digest="",
        group="",
        status=EventStatus.PROCESSED,
        processed_at=now,
        task=task,
        case=task.case,
    )


def of_engine(engine: Engine, type: str, data: Json, now: datetime) -> Event:
    """Return an event about no task, not saved."""
    return bulk.new(
        Event,
        engine=engine,
        source=SOURCE,
        event_id=str(uuid7()),
        type=type,
        time=now,
        received_at=now,
        data=data,
        digest="",
        group="",
        status=EventStatus.PROCESSED,
        processed_at=now,
    )
