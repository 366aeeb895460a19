"""Asks engines to give tasks to somebody else because their assignee is away, or is back.

The call is one of a task's answers: it is sent in their order, exactly once. The engine is right about its tasks: who
has one changes here only after it has changed there.
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
    return internal_events.call_engines(
        [
            EngineCall(
                uuid7(), wish.task, TYPE, now, wish.task.deadline, {"to": wish.to.as_person(), "absence": wish.because}
            )
            for wish in wishes
        ]
    )
