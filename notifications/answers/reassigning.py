"""Asks engines to give tasks to somebody else: their assignee is away, is back, or has handed the task on.

The call is one of a task's answers: it is sent in their order, exactly once. The engine is right about its tasks: an
assignee changes here only after the change in the engine.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications.answers import four_eyes
from notifications.cases import internal_events
from notifications.cases.internal_events import EngineCall
from notifications.errors import FourEyes
from notifications.models import Callback, CallbackState, FourEyesRule, Recipient, Task
from notifications.types import Json
from wfpush.identifiers import uuid7

TYPE = "task.reassignment_requested"


@dataclass(frozen=True)
class Wish:
    """Give the task to this person. `because`: members of the event's data that say why."""

    task: Task
    to: Recipient
    because: Json


def can_ask(task: Task, person: Recipient) -> bool:
    """Return whether the task is the person's in its engine, and the engine can be asked."""
    engine = task.engine
    return bool(
        task.assignee_id == person.pk and engine.active and engine.callback_url and engine.callback_disabled_at is None
    )


def possible(task: Task, person: Recipient, to: Recipient, rules: Sequence[FourEyesRule]) -> bool:
    """Return whether the task is the person's in its engine, the engine can be asked, and `to` may decide the task."""
    if not can_ask(task, person):
        return False
    try:
        four_eyes.check(task, to, rules)
    except FourEyes:
        return False
    return True


def ask(wishes: Sequence[Wish], now: datetime) -> list[Callback]:
    """Ask for each wish, which is for a task of its own; the tasks are locked. Return the callbacks in order."""
    return internal_events.call_engines(
        [
            EngineCall(uuid7(), wish.task, TYPE, now, wish.task.deadline, {"to": wish.to.as_person(), **wish.because})
            for wish in wishes
        ]
    )


def is_request(callback: Callback) -> bool:
    """Return whether the callback asks for another assignee."""
    return bool(json.loads(callback.body)["type"] == TYPE)


def pending(task: Task) -> str:
    """Return the name of the person to whom the task's engine is being asked to give it; empty: nobody."""
    waiting = task.callbacks.filter(response=None, state=CallbackState.WAITING).order_by("-position")
    requests = (json.loads(call.body)["data"] for call in waiting.only("body") if is_request(call))
    return next((str(data["to"]["name"]) for data in requests), "")
