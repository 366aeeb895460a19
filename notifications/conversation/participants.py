"""People who see the conversation about a task and its files, who can be asked, and who can be mentioned."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db.models import Q, QuerySet

from notifications.errors import NotFound
from notifications.forms import recorded_values
from notifications.items.revoked_items import taken
from notifications.models import (
    ANSWERABLE,
    Attachment,
    Case,
    Engine,
    MessageKind,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskMessage,
)

MAX_PEOPLE = 50
"""Maximum people that are offered as a choice."""

Why = Literal["initiator", "assignee", "colleague", "answered", "case", "manager"]
"""Reasons why somebody can be asked; pages have words for them."""

MAX_TASKS = 5
"""Tasks of a case that are searched for a reader of a customer's message."""

MAX_CUSTOMERS = 10
"""External people of a case to whom colleagues can write."""

Sees = Literal["all", "questions", "own", ""]
"""The part of a conversation that somebody sees. A customer with the task sees the engine's questions and answers, and
their own part. People who were only asked see their own part."""


@dataclass(frozen=True)
class Candidate:
    """Somebody who can be asked."""

    person: Recipient
    why: Why


def copies_of(task: Task) -> QuerySet[Notification]:
    """Return copies whose people see the task: not followers, informed customers, or people taken off it."""
    sees = ~Q(state__in=(NotificationState.INFO, NotificationState.WITHDRAWN)) | Q(
        state=NotificationState.INFO, is_copy=True
    )
    return Notification.objects.filter(sees, task=task)


def sees(task: Task, reader: Recipient) -> Sees:
    if copies_of(task).filter(recipient=reader).exists():
        return "questions" if reader.external else "all"
    return "own" if task.messages.filter(_own_part(task, reader)).exists() else ""


def have_lost(task: Task, people: Iterable[int]) -> set[int]:
    """Return those people (by key) from whom the task was taken, and who do not have it again."""
    lost = set(
        Notification.objects.filter(taken(), task=task, recipient__in=people).values_list("recipient", flat=True)
    )
    return lost - set(copies_of(task).filter(recipient__in=lost).values_list("recipient", flat=True)) if lost else lost


def _own_part(task: Task, reader: Recipient) -> Q:
    """Return the filter for messages that somebody without the task sees. People who have lost it see their own
    messages, and the questions to them."""
    if not have_lost(task, [reader.pk]):
        return _concerns(reader)
    questions = Q(addressees__person=reader, kind=MessageKind.QUESTION)
    return Q(author=reader) | questions


def seen_by(task: Task, reader: Recipient) -> QuerySet[TaskMessage]:
    """Return the messages that the reader sees, in their order."""
    how, messages = sees(task, reader), task.messages.order_by("number")
    if how == "all":
        return messages
    if how == "questions":
        own = TaskMessage.objects.filter(_concerns(reader)).values("pk")
        of_engine = Q(kind__in=(MessageKind.QUESTION, MessageKind.REPLY), author=None)
        return messages.filter(of_engine | Q(pk__in=own))
    return messages.filter(pk__in=TaskMessage.objects.filter(_own_part(task, reader), task=task).values("pk"))


def seen_of_case(case: Case, reader: Recipient) -> QuerySet[TaskMessage]:
    """Return the messages of the reader and to them, with replies, in the conversations about all tasks of a case."""
    own = TaskMessage.objects.filter(_concerns(reader), task__case=case).values("pk")
    return TaskMessage.objects.filter(pk__in=own)


def _concerns(reader: Recipient) -> Q:
    """Return the filter for messages from a person and to them, and replies to both."""
    return (
        Q(author=reader)
        | Q(addressees__person=reader)
        | Q(reply_to__author=reader)
        | Q(reply_to__addressees__person=reader)
    )


# --- asking -----------------------------------------------------------------------------------------------------------
def askable(task: Task, asker: Recipient) -> list[Candidate]:
    """Return the people whom somebody can ask about a task, the usual one first. Customers can ask only that one."""
    by_pk: dict[int, Candidate] = {}
    for candidate in _candidates(task, asker):
        person = candidate.person
        if person.pk != asker.pk and person.active and person.pk not in by_pk:
            by_pk[person.pk] = candidate
        if len(by_pk) == (1 if asker.external else MAX_PEOPLE):
            break
    return list(by_pk.values())


def _candidates(task: Task, asker: Recipient) -> Iterator[Candidate]:
    if task.initiator is not None:
        yield Candidate(task.initiator, "initiator")
    if task.assignee is not None:
        yield Candidate(task.assignee, "assignee")
    yield from _all(task.candidates.order_by("name", "pk"), "colleague")
    yield from _all(_people_of(copies_of(task)), "colleague")
    answers = Response.objects.filter(task__case=task.case) if task.case_id else Response.objects.filter(task=task)
    yield from _all(_people_of(answers), "answered")
    if task.case_id is not None:
        others = Notification.objects.filter(task__case=task.case_id, is_copy=True)
        yield from _all(_people_of(others.filter(recipient__engine=None)), "case")
    if asker.manager is not None and not asker.external:
        yield Candidate(asker.manager, "manager")


def _all(people: Iterable[Recipient], why: Why) -> Iterator[Candidate]:
    return (Candidate(person, why) for person in people)


def _people_of(rows: QuerySet[Any]) -> QuerySet[Recipient]:
    return Recipient.objects.filter(pk__in=rows.order_by().values("recipient")).order_by("name", "pk")[:MAX_PEOPLE]


# --- mentions ---------------------------------------------------------------------------------------------------------
def mentionable(task: Task, author: Recipient) -> list[Recipient]:
    """Return the colleagues who see the task, too."""
    people = Recipient.objects.filter(pk__in=copies_of(task).order_by().values("recipient"), active=True, engine=None)
    return list(people.exclude(pk=author.pk).order_by("name", "pk")[:MAX_PEOPLE])


# --- customers --------------------------------------------------------------------------------------------------------
def customers(task: Task) -> list[Recipient]:
    """Return the external people who have a part in the task's case, or in the task."""
    theirs = Q(task=task) if task.case_id is None else Q(task=task) | Q(case=task.case_id)
    keys = Notification.objects.filter(theirs, recipient__engine=task.engine_id).order_by().values("recipient")
    return list(Recipient.objects.filter(pk__in=keys, active=True).order_by("name", "pk")[:MAX_CUSTOMERS])


def task_to_write_to(case: Case, customer: Recipient) -> Task | None:
    """Return the task about which a customer writes on their case: the last one that waits for colleagues, else the
    last one that waits (for the customer, say), else the last one; None if nobody would read it."""
    tasks = Task.objects.filter(case=case).select_related("initiator", "assignee", "case", "engine").order_by("-pk")
    with_colleagues = tasks.filter(pk__in=_of_colleagues(Notification.objects.filter(task__case=case)).values("task"))
    for chosen in (with_colleagues, tasks.filter(state__in=ANSWERABLE), tasks):
        for task in chosen[:MAX_TASKS]:
            if behind(task, customer):
                return task
    return None


def behind(task: Task, customer: Recipient) -> list[Recipient]:
    """Return the readers of a customer's message: colleagues for whom the task waits, else the one they could ask."""
    colleagues = list(_people_of(_of_colleagues(Notification.objects.filter(task=task))))
    return colleagues or [each.person for each in askable(task, customer) if not each.person.external]


def _of_colleagues(copies: QuerySet[Notification]) -> QuerySet[Notification]:
    """Return the copies with which a task waits for colleagues."""
    return copies.filter(state=NotificationState.OPEN, recipient__engine=None, recipient__active=True)


# --- files ------------------------------------------------------------------------------------------------------------
def file_seen_by_person(pk: UUID, reader: Recipient) -> Attachment:
    """Return the file. Raises NotFound, also for files that the reader may not see.

    People see files that they have sent until they lose the task; a file that nothing uses yet, always.
    """
    attachment = _read_attachment(pk)
    message, response = attachment.message, attachment.response
    if message is not None and seen_by(message.task, reader).filter(pk=message.pk).exists():
        return attachment
    if response is not None and _sees_answer(attachment, reader):
        return attachment
    if not attachment.is_used and attachment.uploader_id == reader.pk:
        return attachment
    raise _unknown()


def _sees_answer(attachment: Attachment, reader: Recipient) -> bool:
    """Return whether the reader sees the file of an answer. Customers see their own. Nobody sees sensitive ones."""
    assert attachment.response is not None  # the caller has looked
    if str(attachment.pk) not in recorded_values.files_of(attachment.response.values):
        return False
    how = sees(attachment.response.task, reader)
    return how == "all" or (how == "questions" and attachment.uploader_id == reader.pk)


def file_seen_by_engine(pk: UUID, engine: Engine) -> Attachment:
    """Return a file about the engine's own tasks, or one that it has sent itself. Raises NotFound."""
    attachment = _read_attachment(pk)
    used = attachment.message or attachment.response
    if attachment.engine_id == engine.pk or (used is not None and used.task.engine_id == engine.pk):
        return attachment
    raise _unknown()


def _read_attachment(pk: UUID) -> Attachment:
    """Raises NotFound."""
    rows = Attachment.objects.select_related("message__task", "response__task")
    attachment = rows.filter(pk=pk).first()
    if attachment is None:
        raise _unknown()
    return attachment


def _unknown() -> NotFound:
    return NotFound("There is no such file, or none that is yours to see.")
