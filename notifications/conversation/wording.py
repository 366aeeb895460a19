"""Texts for people who are asked, or get a reply: in their language, without quotations where lock screens show it.

Event types decide whether lock screens may quote, by their variables `info` and `message.text`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from notifications.answers.questions import REPLY
from notifications.channel_facts import shown_on_lock_screens
from notifications.models import Event, MessageKind, Notification, Recipient, Task, TaskMessage
from notifications.types import Json
from notifications.wording import sensitive
from notifications.wording.directions import part_of, set_apart
from notifications.wording.languages import language_of
from notifications.wording.names import house_of, name_said
from notifications.wording.plaintext import clean, clean_line, cut
from notifications.wording.render import usual_labels

MOST_TITLE, MOST_SHORT, MOST_NOTICE = 200, 500, 300
QUOTED = frozenset({"info", "message", "message.text"})
TYPES = ("task.info_requested", "task.message")


@dataclass(frozen=True)
class Words:
    """The texts of an item that is no copy of the task."""

    language: str
    title: str
    body: str
    short_body: str
    actions: list[Json]


class Wording:
    """The texts of one message about the task."""

    def __init__(self, message: TaskMessage, task: Task) -> None:
        self.message, self.task = message, task
        hidden = {path for name in TYPES for path in sensitive.paths_of(Event(type=name, engine=task.engine), task)}
        self._quotes = not hidden & QUOTED
        self._names_task = "task.name" not in hidden

    def of_item(self, person: Recipient) -> Words:
        """Return the texts for somebody who is asked, or who has no copy of the task."""
        asks = self.message.kind == MessageKind.QUESTION
        with translation.override(language_of(person)):
            title = self._asking(person) if asks else self._telling(person)
            text = clean(self.message.text)
            short = text if self._quotes else _("Open it to read the question.") if asks else _("Open it to read it.")
            actions = [{**REPLY, "title": _("Reply"), "labels": usual_labels(REPLY["action"])}] if asks else []
            body = text if asks else f"{self._who(person)}: “{text}”"
            return Words(
                language_of(person),
                set_apart(cut(clean_line(title), MOST_TITLE)),
                body,
                cut(clean_line(short), MOST_SHORT),
                actions,
            )

    def notice(self, person: Recipient) -> str:
        """Return the notice above the text of a copy of the task, on lock screens too."""
        with translation.override(language_of(person)):
            text = self._notice_form % part_of(name=self._who(person))
            if self._quotes:
                text = f"{text.removesuffix('.')}: “{clean_line(self.message.text)}”"
            return set_apart(cut(clean_line(text), MOST_NOTICE))

    @property
    def _notice_form(self) -> str:
        return _("%(name)s has replied.") if self._replies else _("%(name)s has written to you.")

    def on_channels(self, copy: Notification, channels: Sequence[str]) -> dict[str, Json]:
        """Return texts for channels that only their person reads: they quote the message above the copy's text."""
        quoted = f"{self._who(copy.recipient)}: “{clean(self.message.text)}”"
        body = "\n\n".join(filter(None, [quoted, copy.body]))
        return {name: {"body": body} for name in channels if name not in shown_on_lock_screens()}

    @property
    def _replies(self) -> bool:
        return self.message.kind == MessageKind.REPLY

    def _who(self, reader: Recipient) -> str:
        by = self.message.by
        if by is None:
            return house_of(reader) if reader.external else str(self.task.engine.name)
        return name_said(by["name"], by["ref"], reader)

    def _subject(self, reader: Recipient) -> str:
        """Return the name of the case for customers, who do not know the names of its tasks; of the task for others."""
        case = self.task.case
        if reader.external:
            return str(case) if case is not None and case.title else ""
        return self.task.name if self._names_task else ""

    def _asking(self, person: Recipient) -> str:
        names = part_of(name=self._who(person), about=self._subject(person))
        if person.external:
            return _("We have a question about “%(about)s”") % names if names["about"] else _("We have a question")
        return _("%(name)s asks about “%(about)s”") % names if names["about"] else _("%(name)s has a question") % names

    def _telling(self, person: Recipient) -> str:
        names = part_of(name=self._who(person), about=self._subject(person))
        if not names["about"]:
            return (_("%(name)s has replied") if self._replies else _("%(name)s has written to you")) % names
        return (
            _("%(name)s replied about “%(about)s”") if self._replies else _("%(name)s wrote about “%(about)s”")
        ) % names


class ForwardWording(Wording):
    """The texts of the note with which a task is forwarded."""

    @property
    def _notice_form(self) -> str:
        return _("%(name)s has forwarded this to you.")
