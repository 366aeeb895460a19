"""The history of a task, for the people who are asked about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from notifications.additions import HistoryWords, ItemPanel
from notifications.cases import internal_events
from notifications.forms import recorded_values
from notifications.inbox.uploads import File
from notifications.items.outcomes import action_title, parse_time
from notifications.items.representation import sees_questions
from notifications.items.revoked_items import is_taken
from notifications.models import (
    Assurance,
    Attachment,
    CallbackState,
    Event,
    EventStatus,
    Notification,
    Recipient,
    Response,
    Task,
)
from notifications.types import Json, behaviour_of, object_in, text_in
from notifications.wording.directions import all_apart
from notifications.wording.initials import Actor
from notifications.wording.languages import reading_language
from notifications.wording.plaintext import clean, clean_line
from notifications.wording.times import exact, short_time
from wfpush import features

SHOWN = 20


@dataclass(frozen=True)
class Entry:
    """An entry of the history: its time, who did it, what happened, and its text."""

    at: datetime
    actor: Actor
    text: str
    words: str
    files: Sequence[File]
    stamp: str
    exact: str


def history_of(notification: Notification, reader: Recipient, now: datetime) -> list[Entry]:
    """Return the latest entries, oldest first. External people see questions and replies, and their own answers. People
    from whom the task was taken see none."""
    task = notification.task
    if task is None or is_taken(notification):
        return []
    information = _information(task) if sees_questions(notification) else ()
    if reader.external:
        entries = [*information, *_own_answers(task, reader)]
    else:
        latest = _responses(task).order_by("-id")[:SHOWN]
        answers = [_answer_entry(each, reader, _answer_text(each, reader)) for each in latest]
        entries = [*_events(task), *_escalations(task), *information, *answers]
    entries.sort(key=lambda each: each[0])
    return [
        Entry(at, actor, text, words, files, short_time(at, now), exact(at))
        for at, actor, text, words, files in entries[-SHOWN:]
    ]


EntryParts = tuple[datetime, Actor, str, str, Sequence[File]]


def _events(task: Task) -> Iterator[EntryParts]:
    """Yield the engine's events that changed the task, and events of our own that a feature has words for."""
    events = Event.objects.filter(task=task, status=EventStatus.PROCESSED).select_related("engine").order_by("-id")
    assigned = False
    for event in reversed(list(events[:SHOWN])):
        behaviour = behaviour_of(event.type)
        text = _event_text(behaviour, event, again=assigned)
        assigned = assigned or behaviour == "task.assigned"
        if text:
            yield event.time or event.received_at, _event_actor(event), text, "", ()


def _words_of(event: Event) -> HistoryWords | None:
    """Return what a feature says of an event of our own."""
    if event.source != internal_events.SOURCE:
        return None
    return next((added for added in features.added(HistoryWords) if added.event_type == event.type), None)


def _event_actor(event: Event) -> Actor:
    if (own := _words_of(event)) is not None:
        return Actor(text_in(object_in(event.data, own.actor), "name"))
    return Actor(event.engine.name, is_system=True)


def _event_text(behaviour: str, event: Event, *, again: bool) -> str:
    if (own := _words_of(event)) is not None:
        return own.words(event.data)
    name = _assignee(event.data)
    if behaviour == "task.assigned":
        if name:
            return _("Assigned to %(name)s") % all_apart(name=name)
        return _("Assigned again") if again else _("Came from %(engine)s") % all_apart(engine=event.engine.name)
    return {
        "task.escalated": _("Escalated"),
        "task.updated": _("Changed"),
        "task.completed": _("Completed in %(engine)s"),
        "task.cancelled": _("Cancelled in %(engine)s"),
    }.get(behaviour, "") % all_apart(engine=event.engine.name)


def _assignee(data: Json) -> str:
    """Return the assignee's name in the event: that of a person object, else of the known person, else the ref."""
    task: Any = data.get("task")
    person = task.get("assignee") if isinstance(task, dict) else None
    if isinstance(person, dict):
        return clean_line(str(person.get("name") or person.get("ref") or ""))
    if not isinstance(person, str) or not person:
        return ""
    recipient = Recipient.objects.filter(engine=None, ref=person).only("name", "ref").first()
    return str(recipient) if recipient else person


def _escalations(task: Task) -> Iterator[EntryParts]:
    """Yield the people who were notified because the task ran late."""
    for each in task.escalated:
        at = parse_time(each["at"])
        if at is not None:
            yield at, Actor(""), _("Escalated to %(name)s") % all_apart(name=each["name"]), "", ()


def _information(task: Task) -> Iterator[EntryParts]:
    """Yield the questions and information. A feature's panel shows those that are messages."""
    has_panel = bool(features.added(ItemPanel))
    entries = [each for each in task.info if not (has_panel and each.get("message"))]
    files = _files_of_messages([UUID(each["message"]) for each in entries if each.get("message")])
    for each in entries:
        at, by = parse_time(each.get("at")), (each.get("by") or {}).get("name")
        if at is not None:
            title = _("%(name)s asked for information") % all_apart(name=by) if by else _("Information was supplied")
            actor = Actor(str(by)) if by else Actor(task.engine.name, is_system=True)
            yield at, actor, title, clean(str(each.get("text") or "")), files.get(str(each.get("message")), ())


def _files_of_messages(ids: Sequence[UUID]) -> Mapping[str, Sequence[File]]:
    """Return the files of the messages with these ids, by the id as text."""
    files: dict[str, list[File]] = {}
    for attachment in Attachment.objects.filter(message__in=ids).order_by("place") if ids else ():
        files.setdefault(str(attachment.message_id), []).append(File.of(attachment))
    return files


def _own_answers(task: Task, reader: Recipient) -> Iterator[EntryParts]:
    """Yield the reader's own answers with a form, except those that they took back."""
    own = _responses(task).filter(recipient=reader).exclude(values=[])
    for response in own.exclude(callback__state__in=(CallbackState.TAKEN_BACK, CallbackState.RETURNED)).order_by("-id")[
        :SHOWN
    ]:
        answer = action_title(response.notification, response.action, reader)
        yield _answer_entry(response, reader, _("You answered “%(answer)s”") % all_apart(answer=answer))


def _responses(task: Task) -> QuerySet[Response]:
    """Return the answers that are not questions, which `_information` has."""
    rows = Response.objects.filter(task=task).exclude(effect="request_info")
    return rows.select_related("recipient", "notification", "callback__engine").prefetch_related("attachments")


def _answer_entry(response: Response, reader: Recipient, text: str) -> EntryParts:
    language, attached = reading_language(reader), {str(each.pk): each for each in response.attachments.all()}
    values, files = [], []
    for entry, shown in zip(response.values, recorded_values.shown(response.values, language), strict=True):
        ids = recorded_values.files_of([entry])
        if ids and attached.keys() >= set(ids):
            files += [File.of(attached[each], shown.label) for each in ids]
        else:
            values.append(shown.line)
    words = "\n".join(filter(None, (*values, clean(response.comment))))
    how = _assurance_words(response.assurance)
    return response.at, Actor(str(response.recipient)), f"{text} ({how})" if how else text, words, files


def _assurance_words(assurance: str) -> str:
    """Return how the person had signed in, or that they signed the answer; empty if it is unknown."""
    return {
        Assurance.PASSWORD.value: _("signed in with a password"),
        Assurance.SSO.value: _("signed in at the identity provider"),
        Assurance.PASSKEY.value: _("with a passkey"),
    }.get(assurance, "")


def _answer_text(response: Response, reader: Recipient) -> str:
    names = all_apart(name=response.recipient, answer=action_title(response.notification, response.action, reader))
    if response.callback.state == CallbackState.TAKEN_BACK:
        return _("%(name)s answered “%(answer)s” and took it back") % names
    if response.callback.state == CallbackState.RETURNED:
        return _("%(name)s answered “%(answer)s”, and it changed before that was sent") % names
    if not response.counts:
        names |= all_apart(engine=response.callback.engine)
        return _("%(name)s answered “%(answer)s”, which %(engine)s refused") % names
    texts = {
        "approve": _("%(name)s approved it"),
        "reject": _("%(name)s rejected it"),
        "acknowledge": _("%(name)s acknowledged it"),
    }
    return texts.get(response.action, _("%(name)s answered “%(answer)s”")) % names
