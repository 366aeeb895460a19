"""The messages about a case: those that its customer reads, and those that the customer writes."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from notifications.answers.submission import RecordedMessage
from notifications.conversation import posting
from notifications.conversation.item_panel import Line, lines_of_case
from notifications.conversation.participants import askable, people_of
from notifications.conversation.posting import Words
from notifications.errors import NotFound, TooMany
from notifications.models import (
    ANSWERABLE,
    Addressee,
    AddresseeState,
    Case,
    MessageKind,
    Notification,
    NotificationState,
    Recipient,
    Task,
    TaskMessage,
    Via,
)
from notifications.wording.times import exact, short_time

NEWS_SHOWN = 20

MAX_TASKS = 5
"""Tasks of a case that are searched for a reader of a customer's message."""

HOUR, MOST_AN_HOUR = timedelta(hours=1), 20
"""The period, and the messages that a customer can write in it without being asked."""


@dataclass(frozen=True)
class News:
    """A message of the house in the thread of a case, or a line of a conversation."""

    at: datetime
    item: Notification | None = None
    line: Line | None = None
    stamp: str = ""
    exact: str = ""


def news(case: Case, reader: Recipient, now: datetime) -> list[News]:
    """Return the newest messages of the house and of conversations, in the order of their times."""
    theirs = Notification.objects.filter(recipient=reader, case=case, state=NotificationState.INFO)
    items = theirs.exclude(details__has_key="message").order_by("-created_at")[:NEWS_SHOWN]
    house_news = [
        News(item.created_at, item=item, stamp=short_time(item.created_at, now), exact=exact(item.created_at))
        for item in reversed(items)
    ]
    lines = [News(line.message.at, line=line) for line in lines_of_case(case, reader, now)]
    return list(heapq.merge(house_news, lines, key=lambda each: each.at))


def write_in(
    customer: Recipient, case: Case, text: str, now: datetime, *, key: str, files: Sequence[UUID]
) -> RecordedMessage:
    """Write about a customer's case: a reply if they were asked something, else a message to the people who work on it.
    `key`: writing twice with the same one counts once. `files`: keys of stored attachments.

    Raises NotFound, CommentRequired, InvalidAnswer, Invalid, IdempotencyKeyReused, AlreadyAnswered, TooMany.
    """
    words = Words(text, via=Via.PORTAL, key=key, files=files)
    addressee = open_question(customer, case)
    if addressee is not None:
        return posting.reply_to_question(addressee, customer, words, now)
    task = task_to_write_to(case, customer)
    if task is None:
        raise NotFound("There is nobody who would read it.")

    def readers(locked: Task) -> list[Recipient]:
        _refuse_floods(customer, now)
        return _readers(locked, customer)

    return posting.comment_to(customer, task.pk, words, now, readers)


def open_question(person: Recipient, case: Case) -> Addressee | None:
    """Return the oldest question about the case that waits for the person's reply."""
    questions = Addressee.objects.filter(
        person=person,
        state=AddresseeState.ASKED,
        message__kind=MessageKind.QUESTION,
        message__task__case=case,
        message__task__state__in=ANSWERABLE,
    )
    return questions.select_related("message").order_by("message__at").first()


def task_to_write_to(case: Case, customer: Recipient) -> Task | None:
    """Return the task about which a customer writes on their case: the last one that waits for colleagues, else the
    last one that waits (for the customer, say), else the last one; None if nobody would read it."""
    tasks = Task.objects.filter(case=case).select_related("initiator", "assignee", "case", "engine").order_by("-pk")
    with_colleagues = tasks.filter(pk__in=_of_colleagues(Notification.objects.filter(task__case=case)).values("task"))
    for chosen in (with_colleagues, tasks.filter(state__in=ANSWERABLE), tasks):
        for task in chosen[:MAX_TASKS]:
            if _readers(task, customer):
                return task
    return None


def _readers(task: Task, customer: Recipient) -> list[Recipient]:
    """Return the readers of a customer's message: colleagues for whom the task waits, else the one they could ask."""
    colleagues = list(people_of(_of_colleagues(Notification.objects.filter(task=task))))
    return colleagues or [each.person for each in askable(task, customer) if not each.person.external]


def _of_colleagues(copies: QuerySet[Notification]) -> QuerySet[Notification]:
    """Return the copies with which a task waits for colleagues."""
    return copies.filter(state=NotificationState.OPEN, recipient__engine=None, recipient__active=True)


def _refuse_floods(customer: Recipient, now: datetime) -> None:
    """Limit a customer's messages, since each notifies colleagues on all their channels. Raises TooMany."""
    written = TaskMessage.objects.filter(author=customer, kind=MessageKind.COMMENT, at__gt=now - HOUR)
    if written.count() >= MOST_AN_HOUR:
        detail = f"You have written {MOST_AN_HOUR} messages within an hour. Wait a while."
        raise TooMany(detail, int(HOUR.total_seconds()))
