"""Asks engines to give tasks to somebody else because their assignee is away, or is back.

The call is one of a task's answers: it is sent in their order, exactly once. The engine is right about its tasks: who
has one changes here only after it has changed there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from notifications.answers import four_eyes
from notifications.errors import FourEyes
from notifications.items.representation import iso_utc, task_event
from notifications.models import Callback, FourEyesRule, Recipient, Task
from notifications.types import Json
from wfpush.identifiers import uuid7
from wfpush.postgres import bulk
from wfpush.queue import outbox

TYPE = "task.reassignment_requested"


@dataclass(frozen=True)
class Wish:
    """Give the task to this person. `because` is said to the engine."""

    task: Task
    to: Recipient
    because: Json


def possible(task: Task, person: Recipient, to: Recipient, rules: Sequence[FourEyesRule]) -> bool:
    """Whether the task is the person's in its engine, which can be asked, and the other may decide it."""
    engine = task.engine
    if task.assignee_id != person.pk or not engine.active or not engine.callback_url or engine.callback_disabled_at:
        return False
    try:
        four_eyes.check(task, to, rules)
    except FourEyes:
        return False
    return True


def ask(wishes: Sequence[Wish], now: datetime) -> list[Callback]:
    """Each for another task; the tasks are locked. Returns the callbacks in their order."""
    if not wishes:
        return []
    tasks = [wish.task for wish in wishes]
    last = dict(Callback.objects.filter(task__in=tasks).order_by().values_list("task").annotate(Max("position")))
    rows = [_row(wish, last.get(wish.task.pk, 0) + 1, now) for wish in wishes]
    bulk.insert(rows)
    outbox.wake_on_commit("callbacks")
    return rows


def _row(wish: Wish, position: int, now: datetime) -> Callback:
    callback_id = uuid7()
    return Callback(
        id=callback_id,
        engine_id=wish.task.engine_id,
        task=wish.task,
        position=position,
        created_at=now,
        **outbox.scheduled(now),
        body=task_event(callback_id, TYPE, wish.task, now, _assignment(wish, now)),
    )


def _assignment(wish: Wish, now: datetime) -> Json:
    task = wish.task
    return {
        "policy": None,
        "step": None,
        "number": 0,
        "due_at": iso_utc(task.deadline),
        "raised_at": iso_utc(now),
        "assignee": task.assignee.as_person() if task.assignee else None,
        "to": wish.to.as_person(),
        "absence": wish.because,
    }
