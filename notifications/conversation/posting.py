"""The one way in for replies and comments of people, and for messages that an engine posts: check, record, notify.

Questions of people are answers (`notifications/answers/`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from notifications.answers.submission import Answer, RecordedMessage
from notifications.attachments.linking import are_same, claim, use
from notifications.attachments.representation import attachment_json, said_with
from notifications.attachments.storage import Sender
from notifications.cases import messages
from notifications.cases.visibility import sees
from notifications.conversation import notifying, participants
from notifications.errors import (
    AlreadyAnswered,
    CommentRequired,
    IdempotencyKeyReused,
    Invalid,
    InvalidAnswer,
    NotAllowed,
    NotFound,
)
from notifications.items import inbox_items
from notifications.items.representation import iso_utc, task_event
from notifications.models import (
    CLOSED,
    MOST_TEXT,
    Addressee,
    AddresseeState,
    Attachment,
    Callback,
    MessageKind,
    Notification,
    Recipient,
    Task,
    TaskMessage,
)
from notifications.types import Json
from notifications.wording.plaintext import clean
from wfpush.postgres.bulk import AT_ONCE
from wfpush.queue import outbox


@dataclass(frozen=True)
class Words:
    """A message's text, and how it came. `files`: ids of its author's attachments."""

    text: str
    to: Sequence[str] = field(default_factory=tuple)
    reply_to: UUID | None = None
    via: str = "api"
    key: str = ""
    files: Sequence[UUID] = field(default_factory=tuple)


def checked(text: str) -> str:
    """Return the text as it is stored. Raises InvalidAnswer."""
    if len(text) > MOST_TEXT:
        raise InvalidAnswer(f"The message is longer than {MOST_TEXT:,} characters. Shorten it.")
    return clean(text)


def _compose_text(text: str, files: Sequence[Attachment]) -> str:
    """Return the text, or the files' names: files alone are a message, too. Raises CommentRequired."""
    if not text and not files:
        raise CommentRequired("Write something first.")
    return said_with(text, files)


# --- replies ----------------------------------------------------------------------------------------------------------
def reply(person: Recipient, task: UUID, words: Words, now: datetime) -> RecordedMessage:
    """Reply to a question that the person was asked. A late reply, after the decision, is stored and marked as late.

    Raises NotFound, CommentRequired, InvalidAnswer, Invalid, IdempotencyKeyReused, AlreadyAnswered.
    """
    text = checked(words.text)
    with transaction.atomic():
        locked = lock_task(task)
        addressee = _find_addressee(person, locked, words.reply_to)
        before = find_repeated(locked, person, text, words) or _same_reply(addressee, text, words.files)
        if before is not None:
            return RecordedMessage(before, created=False)
        if addressee.state == AddresseeState.REPLIED:
            raise AlreadyAnswered("You have replied to this question already.", answered_by=person.as_person())
        return RecordedMessage(_record_reply(addressee, locked, text, words, now), created=True)


def reply_to_item(item: Notification, answer: Answer, now: datetime) -> RecordedMessage:
    """Reply to the question that the person was asked by this item. Raises NotAllowed for any other item."""
    addressees = Addressee.objects.filter(item=item, message__kind=MessageKind.QUESTION).select_related("message")
    addressee = next((each for each in addressees if each.person_id == item.recipient_id), None)
    if addressee is None or item.task_id is not None:
        raise NotAllowed("This notification asks for nothing, so there is nothing to answer.")
    words = Words(answer.comment, via=answer.via, key=answer.idempotency_key, files=answer.files)
    return reply_to_question(addressee, item.recipient, words, now)


def reply_to_question(addressee: Addressee, person: Recipient, words: Words, now: datetime) -> RecordedMessage:
    """Reply to the question that the person was asked. Raises as `reply` does."""
    reply_words = replace(words, to=(), reply_to=addressee.message_id)
    return reply(person, addressee.message.task_id, reply_words, now)


def _find_addressee(person: Recipient, task: Task, question: UUID | None) -> Addressee:
    addressees = Addressee.objects.filter(message__task=task, message__kind=MessageKind.QUESTION, person=person)
    rows = addressees.select_related("message__author__brand", "person", "item").order_by("-message__number")
    mine = [each for each in rows if question is None or each.message_id == question]
    if not mine:
        raise NotFound("Nobody has asked you that.")
    return next((each for each in mine if each.state == AddresseeState.ASKED), mine[0])


def _same_reply(addressee: Addressee, text: str, files: Sequence[UUID]) -> TaskMessage | None:
    """Return a reply with the same words and files, whatever its key."""
    replies = TaskMessage.objects.filter(reply_to=addressee.message, author=addressee.person)
    return next((each for each in replies if _is_same(each, text, files)), None)


def _is_same(message: TaskMessage, text: str, files: Sequence[UUID]) -> bool:
    sent = list(message.attachments.all())
    return message.text == said_with(text, sent) and are_same(sent, files)


def _record_reply(addressee: Addressee, task: Task, text: str, words: Words, now: datetime) -> TaskMessage:
    question, late = addressee.message, not task.answerable
    to = [question.author] if question.author is not None and question.author.active else []
    message, addressees = add(
        task, to, words, now, kind=MessageKind.REPLY, author=addressee.person, text=text, reply_to=question, late=late
    )
    messages.replied(task, question, message, AT_ONCE, now)
    news = notifying.Telling(message, addressees, now)
    inbox_items.lock({addressee.person_id} | news.people)
    if addressee.item is not None:
        notifying.close_item(addressee.item, message, now)
    news.write()
    return message


# --- comments ---------------------------------------------------------------------------------------------------------
def comment(person: Recipient, task: UUID, words: Words, now: datetime) -> RecordedMessage:
    """Write to colleagues without deciding; people who are mentioned are notified. Everybody who sees the task sees it,
    and so do customers who are mentioned.

    Raises NotFound, CommentRequired, InvalidAnswer, Invalid, IdempotencyKeyReused.
    """
    text = checked(words.text)
    with transaction.atomic():
        locked = lock_task(task)
        if sees(locked, person) != "all":
            raise NotFound("There is no such task of yours.")
        before = find_repeated(locked, person, text, words)
        if before is not None:
            return RecordedMessage(before, created=False)
        allowed = [
            *participants.external_people(locked),
            *participants.mentionable(locked, person),
        ]  # a colleague goes before a namesake
        to = chosen(allowed, words.to, "You can mention people who have this task, and customers of its case.")
        return _record_comment(locked, person, to, text, words, now)


def comment_to(
    author: Recipient, task: UUID, words: Words, now: datetime, readers: Callable[[Task], Sequence[Recipient]]
) -> RecordedMessage:
    """Write to the people that `readers` returns for the locked task. It is not called for a message that is repeated.

    Raises what `readers` raises, and CommentRequired, InvalidAnswer, Invalid, IdempotencyKeyReused.
    """
    text = checked(words.text)
    with transaction.atomic():
        locked = lock_task(task)
        before = find_repeated(locked, author, text, words)
        if before is not None:
            return RecordedMessage(before, created=False)
        return _record_comment(locked, author, readers(locked), text, words, now)


def _record_comment(
    task: Task, author: Recipient, to: Sequence[Recipient], text: str, words: Words, now: datetime
) -> RecordedMessage:
    message, addressees = add(
        task, to, words, now, kind=MessageKind.COMMENT, author=author, text=text, late=not task.answerable
    )
    notifying.tell(message, addressees, now)
    return RecordedMessage(message, created=True)


def chosen(candidates: Sequence[Recipient], refs: Sequence[str], why: str) -> list[Recipient]:
    """Return the people of these refs. Raises Invalid for others."""
    by_ref = {person.ref: person for person in candidates}
    faults = [
        {"pointer": f"/to/{at}", "detail": f"{why} {ref!r} is none of them."}
        for at, ref in enumerate(refs)
        if ref not in by_ref
    ]
    if faults:
        raise Invalid(faults[0]["detail"], faults)
    return [by_ref[ref] for ref in dict.fromkeys(refs)]


# --- engines ----------------------------------------------------------------------------------------------------------
def by_engine(
    task: UUID, words: Words, kind: str, author: Recipient | None, to: Sequence[Recipient], now: datetime
) -> RecordedMessage:
    """Record a message that an engine posts. Raises CommentRequired, InvalidAnswer, Invalid, IdempotencyKeyReused."""
    text = checked(words.text)
    with transaction.atomic():
        locked = lock_task(task)
        before = find_repeated(locked, author, text, words)
        if before is not None:
            return RecordedMessage(before, created=False)
        files = claim(words.files, Sender(engine=locked.engine))
        fields: Json = {"text": _compose_text(text, files), "author": author, "at": now, "late": not locked.answerable}
        reply_to = str(words.reply_to) if words.reply_to else None
        message = messages.take_from_engine(locked, to, kind, reply_to, {**fields, "key": words.key}, AT_ONCE, now)
        use(files, message)
        return RecordedMessage(message, created=True)


# --- shared -----------------------------------------------------------------------------------------------------------
def lock_task(pk: UUID) -> Task:
    """Return the task, locked. Raises NotFound."""
    tasks = Task.objects.select_for_update(no_key=True, of=("self",))
    tasks = tasks.select_related("engine", "case", "assignee", "initiator")
    row = tasks.filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such task of yours.")
    return row


def find_repeated(task: Task, author: Recipient | None, text: str, words: Words) -> TaskMessage | None:
    """Return the message that came with this key before. Raises IdempotencyKeyReused."""
    if not words.key:
        return None
    earlier = task.messages.filter(author=author, key=words.key).first()
    if earlier is not None and (
        not _is_same(earlier, text, words.files) or (words.reply_to and earlier.reply_to_id != words.reply_to)
    ):
        raise IdempotencyKeyReused("This Idempotency-Key came with another message. Use a new key for a new message.")
    return earlier


def add(
    task: Task,
    to: Sequence[Recipient],
    words: Words,
    now: datetime,
    *,
    author: Recipient,
    text: str,
    **fields: Any,
) -> tuple[TaskMessage, list[Addressee]]:
    """Add the message with its files, and the callback that sends it, unless the engine has ended the task.

    Raises CommentRequired, Invalid.
    """
    files = claim(words.files, Sender(person=author))
    fields |= {"author": author, "text": _compose_text(text, files), "via": words.via, "key": words.key, "at": now}
    message, addressees = messages.add(task, to, AT_ONCE, due=False, **fields)
    use(files, message)
    if task.state not in CLOSED:
        last = task.callbacks.aggregate(last=Max("position"))["last"] or 0
        data = {"message": _message_json(message, addressees, files)}
        Callback.objects.create(
            id=message.pk,
            engine_id=task.engine_id,
            task=task,
            position=last + 1,
            body=task_event(message.pk, "task.message", task, message.at, data),
            **outbox.scheduled(now),
        )
        outbox.wake_on_commit("callbacks")
    return message, addressees


def _message_json(message: TaskMessage, addressees: Sequence[Addressee], files: Sequence[Attachment]) -> Json:
    """Return the message as the engine gets it: docs/api/callbacks.md, "Messages to the engine"."""
    return {
        "id": str(message.pk),
        "kind": message.kind,
        "text": message.text,
        "attachments": [attachment_json(file) for file in files],
        "by": message.by,
        "for": [addressee.person.as_person() for addressee in addressees],
        "reply_to": str(message.reply_to_id) if message.reply_to_id else None,
        "at": iso_utc(message.at),
        "via": message.via,
        "late": message.late,
    }
