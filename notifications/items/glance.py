"""The content of an item's card besides its title: the key facts, one line of context, and the origin.

The server composes it for pages, frames and stored items, so that all show the same.
"""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.models import Engine, Notification, Recipient
from notifications.types import Json
from notifications.wording.key_facts import WrittenFact, facts_of
from notifications.wording.plaintext import clean_line, cut

MAX_CONTEXT = 200
"""Maximum number of characters of the line of context: no card has room for more."""

KINDS: dict[str, str | Promise] = {
    "approval": _("Approval"),
    "review": _("Review"),
    "exception": _("Exception"),
    "field": _("Field work"),
}
"""Labels of the kinds of tasks that docs/api/events.md names."""

_NUMBER = re.compile(r"(?<=\s)(?=\S*\d)\S{1,14}$")
_WORDS = re.compile(r"\w+")
_BETWEEN = " \t:;.,–—-·|/"
"""Characters that may follow a title with which a text begins."""


def glance_of(notification: Notification, facts: list[WrittenFact] | None = None) -> Json:
    """Return the card. `first`: the first of the reader's key facts, shown large, if it is a number; `others`: the
    others in a row; `number`: the last word of the title if it has a digit and is short, as in “Approve invoice 4803”,
    which a narrow list never cuts; `text`: the line of context, in the message's language, empty if nobody is asked any
    more; `origin`: engine and kind of task, in the active language.
    """
    facts = facts_of(notification) if facts is None else facts
    first = facts[0] if facts and facts[0].is_large else None
    return {
        "first": first.text if first else "",
        "others": " · ".join(dict.fromkeys(fact.in_a_row for fact in facts if fact is not first)),
        "number": number_of(notification.title),
        "text": _context(notification),
        "origin": origin_of(notification),
    }


def number_of(title: str) -> str:
    found = _NUMBER.search(title)
    return found.group() if found else ""


def _context(notification: Notification) -> str:
    if notification.is_withdrawn:
        return ""
    return context_of(notification.title, notification.body, facts_of(notification, notification.language))


def context_of(title: str, body: str, facts: list[WrittenFact]) -> str:
    """Return the first paragraph that says more than title and facts, without a leading title. All are in the same
    language."""
    words_shown = _words(" ".join([title, *(f"{written.label} {written.text}" for written in facts)]))
    for paragraph in body.split("\n\n"):
        line = _without(title, clean_line(paragraph))
        if not _words(line) <= words_shown:
            return cut(line, MAX_CONTEXT)
    return ""


def _without(title: str, line: str) -> str:
    start, rest = line[: len(title)], line[len(title) :]
    if not title or start.casefold() != title.casefold() or rest[:1].isalnum():
        return line
    return rest.lstrip(_BETWEEN)


def _words(text: str) -> set[str]:
    return set(_WORDS.findall(text.casefold()))


def origin_of(notification: Notification) -> str:
    """Return text such as “Invoices · Approval”; empty for external people, who know only the brand."""
    if notification.recipient.external:
        return ""
    kind = notification.task.kind if notification.task else ""
    words = clean_line(str(KINDS.get(kind, kind)))
    return " · ".join(filter(None, (engine_name(notification, notification.recipient), words[:1].upper() + words[1:])))


def engine_name(notification: Notification, reader: Recipient) -> str:
    """Return the name of the item's engine; empty for external people, and without an engine."""
    return "" if reader.external else clean_line(str(engine_of(notification) or ""))


def engine_of(notification: Notification) -> Engine | None:
    owner = notification.task or notification.case
    return owner.engine if owner else None
