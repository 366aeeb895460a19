"""Asks engines to give tasks to somebody else because their assignee is away, or is back.

The call is one of a task's answers: it is sent in their order, exactly once. The engine is right about its tasks: an
assignee changes here only after the change in the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications.answers import four_eyes
from notifications.cases import internal_events
from notifications.cases.internal_events import EngineCall
from notifications.errors import FourEyes
from notifications.models import Callback, FourEyesRule, Recipient, Task
from notifications.types import Json
from wfpush.identifiers import uuid7

TYPE = "task.reassignment_requested"


@dataclass(frozen=True)
class Wish:
    """Give the task to this person. `because` goes to the engine."""

    task: Task
    to: Recipient
    because: Json


def possible(task: Task, person: Recipient, to: Recipient, rules: Sequence[FourEyesRule]) -> bool:
    """Return whether the task is the person's in its engine, the engine can be asked, and `to` may decide the task."""
    engine = task.engine
    if task.assignee_id != person.pk or not engine.active or not engine.callback_url or engine.callback_disabled_at:
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
            EngineCall(
                uuid7(), wish.task, TYPE, now, wish.task.deadline, {"to": wish.to.as_person(), "absence": wish.because}
            )
            for wish in wishes
        ]
    )
