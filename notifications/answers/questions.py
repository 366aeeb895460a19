"""The questions of answers, for a feature that has people asked: whom, how they are notified, and how they reply.

Without it, nobody is asked by a question: it pauses its task, and goes to the engine and to the routes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifications.answers.submission import Answer, RecordedMessage
from notifications.errors import NotAllowed
from notifications.models import Addressee, Notification, Recipient, Task, TaskMessage
from notifications.types import Json
from wfpush import features

REPLY: Json = {"action": "reply", "title": "", "effect": "reply", "comment": "required"}
"""The only action of an item with a question."""


class ItemChanges(Protocol):
    """Changes of items in inboxes. Lock `people` (keys) before `write`."""

    @property
    def people(self) -> set[int]: ...

    def write(self) -> None: ...


@dataclass(frozen=True)
class Questions:
    """What a feature does with questions.

    `askable` returns the people whom somebody can ask about a task, the usual one first. `notify` returns the changes
    that show a new question to its addressees, in its transaction. `reply` records a reply to the question of an item,
    and raises NotAllowed if the item has none.
    """

    askable: Callable[[Task, Recipient], Sequence[Recipient]]
    notify: Callable[[TaskMessage, Sequence[Addressee], datetime], ItemChanges]
    reply: Callable[[Notification, Answer, datetime], RecordedMessage]


def askable(task: Task, asker: Recipient) -> list[Recipient]:
    return [person for each in features.added(Questions) for person in each.askable(task, asker)]


def changes(questions: Sequence[tuple[TaskMessage, Sequence[Addressee]]], now: datetime) -> list[ItemChanges]:
    """Return the changes that show new questions."""
    return [each.notify(question, to, now) for each in features.added(Questions) for question, to in questions]


def reply(item: Notification, answer: Answer, now: datetime) -> RecordedMessage:
    """Reply to the question of an item. Raises NotAllowed for any other item."""
    for each in features.added(Questions):
        return each.reply(item, answer, now)
    raise NotAllowed("This notification asks for nothing, so there is nothing to answer.")
