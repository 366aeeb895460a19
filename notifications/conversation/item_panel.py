"""The conversation in an item: the messages that its reader sees, and the people whom they can ask or mention."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications.attachments.representation import names_of
from notifications.cases import visibility
from notifications.conversation import forwarding, participants
from notifications.conversation.forwarding import Forward
from notifications.conversation.participants import Why
from notifications.conversation.representation import with_people
from notifications.engines.callback_results import KEPT_HERE, engine_states
from notifications.inbox.uploads import File
from notifications.models import (
    AddresseeState,
    CallbackState,
    Case,
    MessageKind,
    Notification,
    NotificationState,
    Recipient,
    Task,
    TaskMessage,
)
from notifications.types import object_in
from notifications.wording.directions import all_apart, apart
from notifications.wording.initials import Actor
from notifications.wording.names import house_of, name_of, name_said
from notifications.wording.plaintext import clean, clean_line
from notifications.wording.times import exact, short_time
from wfpush.identifiers import uuid7

SHOWN = 50
"""Most messages on the page: the newest ones."""

WHY: dict[Why, str | Promise] = {
    "initiator": gettext_lazy("began it"),
    "assignee": gettext_lazy("has the task"),
    "colleague": gettext_lazy("has the task, too"),
    "answered": gettext_lazy("has answered before"),
    "case": gettext_lazy("has a role in the case"),
    "manager": gettext_lazy("your manager"),
}


@dataclass(frozen=True)
class Line:
    """One message in the reader's words. `note` says what is still pending, or where the message is kept."""

    message: TaskMessage
    actor: Actor
    head: str
    text: str
    files: Sequence[File]
    note: str
    mine: bool
    waits: bool
    stamp: str
    exact: str


@dataclass(frozen=True)
class Person:
    """A person to choose, and the reason why."""

    ref: str
    name: str
    why: str


@dataclass(frozen=True)
class Conversation:
    """An item's messages. `asking` is the action for questions, empty if not allowed; `hidden` counts earlier ones."""

    template: ClassVar = "conversation/_messages.html"
    form: ClassVar = "conversation/_comment.html"
    choice: ClassVar = "conversation/_whom.html"

    lines: Sequence[Line] = ()
    hidden: int = 0
    asking: str = ""
    askable: Sequence[Person] = ()
    mentionable: Sequence[Person] = ()
    external: Sequence[Person] = ()
    """External people of the case, who see the messages that are written to them."""
    files: Sequence[File] = ()
    """Files of the question, if the item's text is a question."""
    key: str = ""
    """The key by which a comment that is sent twice counts once."""

    @property
    def earlier(self) -> str:
        text = ngettext(
            "%(count)s earlier message is kept with the task.",
            "%(count)s earlier messages are kept with the task.",
            self.hidden,
        )
        return text % {"count": self.hidden} if self.hidden else ""


NONE = Conversation()


def conversation_of(notification: Notification, reader: Recipient, now: datetime) -> Conversation:
    """Return the conversation about a copy of a task, or about an item's question, which is the item's text itself."""
    task, question = notification.task, object_in(notification.details, "message")
    if task is not None and notification.state != NotificationState.WITHDRAWN:
        return _of_task(task, notification, reader, now)
    if question:
        questions = TaskMessage.objects.filter(pk=str(question.get("id")), addressees__person=reader).select_related(
            "task"
        )
        message = questions.first()
        if message is not None:
            thread = visibility.seen_by(message.task, reader).filter(reply_to=message)
            files = [File.of(each) for each in message.attachments.all()]
            return Conversation(_lines(thread, message.task, reader, now), files=files)
    return NONE


def _of_task(task: Task, copy: Notification, reader: Recipient, now: datetime) -> Conversation:
    seen = visibility.seen_by(task, reader)
    count = seen.count() if task.messages.exists() else 0
    asking = next((each["action"] for each in copy.actions if each["effect"] == "request_info"), "")
    is_open, sees = copy.state == NotificationState.OPEN, visibility.sees(task, reader)
    return Conversation(
        lines=_lines(_newest(seen, "-number"), task, reader, now) if count else (),
        hidden=max(count - SHOWN, 0),
        asking=asking if is_open else "",
        askable=_askable(task, reader) if asking and is_open else (),
        mentionable=_named(participants.mentionable(task, reader)) if sees == "all" else (),
        external=_named(participants.external_people(task)) if sees == "all" else (),
        key=str(uuid7()),
    )


def _newest(messages: QuerySet[TaskMessage], order: str) -> QuerySet[TaskMessage]:
    return TaskMessage.objects.filter(pk__in=list(messages.order_by(order).values_list("pk", flat=True)[:SHOWN]))


def _askable(task: Task, reader: Recipient) -> list[Person]:
    candidates = participants.askable(task, reader)
    return [Person(each.person.ref, name_of(each.person, reader), str(WHY[each.why])) for each in candidates]


def _named(rows: Iterable[Recipient]) -> list[Person]:
    return [Person(person.ref, clean_line(str(person)), "") for person in rows]


# --- one message ------------------------------------------------------------------------------------------------------
def _lines(messages: QuerySet[TaskMessage], task: Task, reader: Recipient, now: datetime) -> list[Line]:
    rows = list(with_people(messages))
    engine, forwards = engine_states(rows), forwarding.forwards_of(task) if not reader.external else {}
    lines = [_line(message, task, reader, engine.get(message.pk, ""), now) for message in rows]
    return [
        _as_forward(line, task, reader, forward)
        if (forward := forwards.get(str(line.message.pk))) is not None
        else line
        for line in lines
    ]


def lines_of_case(case: Case, reader: Recipient, now: datetime) -> list[Line]:
    """Return the newest messages that a customer sees of all conversations about the tasks of their case."""
    messages = with_people(_newest(participants.seen_of_case(case, reader), "-at")).select_related("task__engine")
    return [_line(message, message.task, reader, "", now) for message in messages.order_by("at")]


def _line(message: TaskMessage, task: Task, reader: Recipient, engine: str, now: datetime) -> Line:
    actor = _author(message, task, reader)
    if reader.external:
        note = _note_to_external(message, task, reader)
        waits = bool(note)
    else:
        note = _note(message, task, engine)
        waits = task.answerable and any(each.state == AddresseeState.ASKED for each in message.addressees.all())
    return Line(
        message=message,
        actor=actor,
        head=_head(message, actor, reader),
        text="" if message.text == names_of(message.attachments.all()) else clean(message.text),
        files=[File.of(each) for each in message.attachments.all()],
        note=note,
        mine=message.author_id == reader.pk,
        waits=waits,
        stamp=short_time(message.at, now),
        exact=exact(message.at),
    )


def _note_to_external(message: TaskMessage, task: Task, reader: Recipient) -> str:
    """Return the note for a customer. Customers read nothing about engines or about other people's replies."""
    is_asked = any(
        each.state == AddresseeState.ASKED and each.person_id == reader.pk for each in message.addressees.all()
    )
    return _("This waits for your reply.") if is_asked and task.answerable else ""


def _author(message: TaskMessage, task: Task, reader: Recipient) -> Actor:
    if message.by is None:
        return Actor(house_of(reader) if reader.external else str(task.engine), is_system=True)
    name = name_said(message.by["name"], message.by["ref"], reader)
    return Actor(name, is_system=name != message.by["name"])


def _head(message: TaskMessage, actor: Actor, reader: Recipient) -> str:
    mine = message.author_id == reader.pk
    addressees = message.addressees.all() if message.kind != MessageKind.REPLY else ()
    addressee_names = [_("you") if each.person == reader else name_of(each.person, reader) for each in addressees]
    to = ", ".join(dict.fromkeys(apart(clean_line(name)) for name in addressee_names))
    names = {"name": apart(clean_line(actor.name)), "to": to}
    if message.kind == MessageKind.QUESTION and to:
        return (_("You asked %(to)s") if mine else _("%(name)s asked %(to)s")) % names
    if message.kind == MessageKind.QUESTION:
        return (_("You asked for information") if mine else _("%(name)s asked for information")) % names
    if message.kind == MessageKind.REPLY:
        return (_("You replied") if mine else _("%(name)s replied")) % names
    if to:
        return (_("You wrote to %(to)s") if mine else _("%(name)s wrote to %(to)s")) % names
    return (_("You wrote") if mine else _("%(name)s wrote")) % names


def _note(message: TaskMessage, task: Task, engine: str) -> str:
    """Return the note of a message: pending replies, stand-ins, and whether it was late or kept here."""
    waiting = [str(each.person) for each in message.addressees.all() if each.state == AddresseeState.ASKED]
    notes = []
    if waiting and not task.answerable:
        notes.append(_("The task was decided without a reply."))
    elif waiting:
        notes.append(
            _("No reply yet from %(names)s.") % {"names": ", ".join(apart(clean_line(name)) for name in waiting)}
        )
    notes += [
        _("%(name)s stands in for %(away)s.") % all_apart(name=each.person, away=each.away)
        for each in message.addressees.all()
        if each.away is not None
    ]
    if message.late:
        notes.append(_("The task had already been decided."))
    if engine == KEPT_HERE:
        notes.append(_("Stored here, not sent to the engine."))
    return " ".join(notes)


def _as_forward(line: Line, task: Task, reader: Recipient, forward: Forward) -> Line:
    """Return the line of the note with which the task was forwarded."""
    by, is_mine = line.message.by or {}, forward.to.get("ref") == reader.ref
    to = clean_line(forward.to.get("name", ""))
    names = all_apart(name=clean_line(by.get("name", "")), to=to, engine=task.engine)
    head = _("You forwarded this to %(to)s") if line.mine else _("%(name)s forwarded this to %(to)s")
    note = "" if is_mine else _forward_note(task, forward, mine=line.mine) % names
    addressee = _("you") if is_mine else names["to"]
    return replace(line, head=head % {**names, "to": addressee}, note=" ".join(filter(None, (note, line.note))))


def _forward_note(task: Task, forward: Forward, *, mine: bool) -> str:
    """Return what has become of a forward."""
    call = forward.call
    if not task.answerable:
        return ""
    if call is None:
        return _("%(to)s got a copy. You stay responsible.") if mine else _("%(to)s got a copy.")
    if task.assignee is not None and task.assignee.ref == forward.to.get("ref"):
        return _("%(to)s is responsible in %(engine)s.")
    if call.state in (CallbackState.WAITING, CallbackState.DELIVERED):
        return _("%(to)s got a copy, and becomes responsible when %(engine)s confirms it.")
    return _("%(to)s got a copy. %(engine)s did not make %(to)s responsible.")


def mentioned(text: str, chosen: Sequence[str], talk: Conversation) -> list[str]:
    """Return the refs of chosen people, and of colleagues whose names follow an @ in the text.

    Customers have to be chosen: a text with their name is not meant for them.
    """
    low = text.casefold()
    at_mentions = [person.ref for person in talk.mentionable if f"@{person.name.casefold()}" in low]
    eligible = {person.ref for person in (*talk.mentionable, *talk.external)}
    return list(dict.fromkeys([*(ref for ref in chosen if ref in eligible), *at_mentions]))
