"""Who sees a task, the messages about it, and the files of messages and answers."""

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from django.db.models import Q, QuerySet

from notifications.errors import NotFound
from notifications.forms import recorded_values
from notifications.items.revoked_items import taken
from notifications.models import (
    Attachment,
    Engine,
    MessageKind,
    Notification,
    NotificationState,
    Recipient,
    Task,
    TaskMessage,
)

Sees = Literal["all", "questions", "own", ""]
"""The part of a task's messages that somebody sees. A customer with the task sees the engine's questions and answers,
and their own part. People who were only asked see their own part."""


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
        return concerns(reader)
    questions = Q(addressees__person=reader, kind=MessageKind.QUESTION)
    return Q(author=reader) | questions


def seen_by(task: Task, reader: Recipient) -> QuerySet[TaskMessage]:
    """Return the messages that the reader sees, in their order."""
    how, messages = sees(task, reader), task.messages.order_by("number")
    if how == "all":
        return messages
    if how == "questions":
        own = TaskMessage.objects.filter(concerns(reader)).values("pk")
        of_engine = Q(kind__in=(MessageKind.QUESTION, MessageKind.REPLY), author=None)
        return messages.filter(of_engine | Q(pk__in=own))
    return messages.filter(pk__in=TaskMessage.objects.filter(_own_part(task, reader), task=task).values("pk"))


def concerns(reader: Recipient) -> Q:
    """Return the filter for messages from a person and to them, and replies to both."""
    return (
        Q(author=reader)
        | Q(addressees__person=reader)
        | Q(reply_to__author=reader)
        | Q(reply_to__addressees__person=reader)
    )


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
