"""Key facts: up to six labelled values by which people decide, read when a message is worded, written when it is read.

A notification keeps them in `details["key_facts"]`, in the order of the template: label in the message's language,
kind, value (a number as it is shown, not as it came), currency, and 1 if lock screens must not show it. What is empty
at the end is left out.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from babel import Locale
from django.utils import translation
from django.utils.translation import gettext as _
from liquid.exceptions import FilterArgumentError

from notifications.models import MOST_FACTS, FactKind, Notification, Recipient, TemplateFact, TemplateVersion
from notifications.types import Json, lookup, object_in
from notifications.wording import formats
from notifications.wording.languages import languages, tag
from notifications.wording.liquid_filters import MISSING, shown
from notifications.wording.plaintext import clean_line, cut
from notifications.wording.sensitive import without_paths
from notifications.wording.typed_numbers import plain

MAX_TEXT, MAX_LABEL, MAX_CURRENCY = 120, 60, 20
"""Characters of a value that is text, of a label and of a currency."""

MOST_ITEMS = 10
"""Items of a list that are written."""

STORED = "key_facts"
"""The member of a notification's details."""

AMOUNT = TemplateFact(path="variables.amount", kind=FactKind.MONEY)
"""The fact of templates that name none."""

CODE = re.compile(r"[A-Z]{3}")
"""A currency that is written into the template; anything else is a path."""

Value = str | int | float


class KeyFact(NamedTuple):
    """`value` is a number, rounded as it is shown, or text. `sensitive`: not for lock screens."""

    label: str
    kind: str
    value: Value
    currency: str = ""
    sensitive: bool = False

    def stored(self) -> list[Any]:
        row = [self.label, self.kind, self.value, self.currency, int(self.sensitive)]
        while not row[-1] and len(row) > 3:
            row.pop()
        return row


# --- reading --------------------------------------------------------------------------------------------------------
def read(version: TemplateVersion, language: str, context: Json, hidden: Sequence[str]) -> tuple[KeyFact, ...]:
    """The facts that the version names and the context has; the amount where it names none.

    `language` is that of the message's text. Lock screens must not show the paths `hidden`.
    """
    # A draft that is being typed has no order in the database.
    template_facts = sorted(version.facts.all(), key=lambda each: each.position)[:MOST_FACTS]
    if not template_facts:
        return usual(language, context, hidden)
    tags = [*languages(language, version.template.fallback_language)]
    on_lock_screens = without_paths(context, hidden)
    with translation.override(language):
        facts = (_read(each, _label(each, tags), context, on_lock_screens) for each in template_facts)
        return tuple(each for each in facts if each is not None)


def usual(language: str, context: Json, hidden: Sequence[str]) -> tuple[KeyFact, ...]:
    """The amount, if there is one, with its currency."""
    if formats.as_number(lookup(context, AMOUNT.path)) is None:
        return ()
    amount = _read(AMOUNT, _usual_label(language), context, without_paths(context, hidden))
    return (amount,) if amount is not None else ()


@lru_cache(maxsize=64)
def _usual_label(language: str) -> str:
    with translation.override(language):
        return _("Amount")


def _label(fact: TemplateFact, tags: Iterable[str]) -> str:
    """In the best of these languages, else in any; else the last name of its path."""
    written = fact.labels if isinstance(fact.labels, dict) else {}
    labels = {tag(each): text for each, text in written.items() if isinstance(text, str) and text.strip()}
    best = next((labels[each] for each in (*tags, *labels) if each in labels), "")
    words = best or fact.path.rpartition(".")[2].replace("_", " ").capitalize()
    return cut(clean_line(words), MAX_LABEL)


def _read(fact: TemplateFact, label: str, context: Json, on_lock_screens: Json) -> KeyFact | None:
    """None without a value."""
    raw, paths = lookup(context, fact.path), [fact.path]
    currency = ""
    if fact.kind == FactKind.MONEY:
        currency, at = _currency(fact, context)
        paths += at
    kind, value = _typed(fact.kind, raw)
    if value == "":
        return None
    sensitive = any(lookup(on_lock_screens, path) != lookup(context, path) for path in paths)
    if kind == FactKind.MONEY:
        return KeyFact(label, kind, _rounded(value, formats.places_of(currency)), currency, sensitive)
    return KeyFact(label, kind, _rounded(value, formats.PLACES) if kind == FactKind.NUMBER else value, "", sensitive)


def _rounded(value: Value, places: int) -> Value:
    """The number as it is shown, so that it is found by what is shown; as it came where that is the same."""
    number = formats.as_number(value)
    assert number is not None  # by its kind
    shown = formats.rounded(number, places)
    if isinstance(value, str):
        return value if shown == number else plain(shown)
    return value if isinstance(value, int) else float(shown)


def _currency(fact: TemplateFact, context: Json) -> tuple[str, list[str]]:
    """The currency, and the paths at which it is."""
    if CODE.fullmatch(fact.currency):
        return fact.currency, []
    path = currency_path(fact)
    raw = lookup(context, path)
    return (cut(clean_line(raw[: 4 * MAX_CURRENCY]), MAX_CURRENCY) if isinstance(raw, str) else ""), [path]


def currency_path(fact: TemplateFact) -> str:
    """Where the currency is that is not written into the template: “currency” beside the amount, unless it says."""
    before, dot, _name = fact.path.rpartition(".")
    return fact.currency or f"{before}{dot}currency"


def _typed(kind: str, raw: Any) -> tuple[str, Value]:
    """The kind and the value; text where the value is of another type. An empty text: there is none."""
    typed = TYPED[FactKind(kind)](raw) if kind in TYPED else None
    return typed if typed is not None else (FactKind.TEXT.value, _text(raw))


def _number_as(kind: FactKind) -> Callable[[Any], tuple[str, Value] | None]:
    def read(raw: Any) -> tuple[str, Value] | None:
        number = formats.as_number(raw)
        if number is None:
            return None
        return kind.value, raw if isinstance(raw, int | float) else str(number)

    return read


def _day(raw: Any) -> tuple[str, Value] | None:
    """A day without a time is the same everywhere."""
    if not isinstance(raw, str):
        return None
    try:
        return FactKind.DATE.value, date.fromisoformat(raw.strip()).isoformat()
    except ValueError:
        moment = formats.as_instant(raw)
    if moment is None:
        return None
    return FactKind.DATE.value, moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(raw: Any) -> tuple[str, Value] | None:
    day = _day(raw)
    return (FactKind.DATETIME.value, day[1]) if day and "T" in str(day[1]) else day


def _person(raw: Any) -> tuple[str, Value] | None:
    name = _text(raw) if isinstance(raw, str | dict) else ""
    return (FactKind.PERSON.value, name) if name else None


TYPED: dict[str, Callable[[Any], tuple[str, Value] | None]] = {
    FactKind.NUMBER: _number_as(FactKind.NUMBER),
    FactKind.MONEY: _number_as(FactKind.MONEY),
    FactKind.DATE: _day,
    FactKind.DATETIME: _moment,
    FactKind.PERSON: _person,
}


def _text(raw: Any) -> str:
    """As templates print it, in one line; empty for what has no text."""
    if isinstance(raw, bool):
        return _("yes") if raw else _("no")
    if isinstance(raw, float) and not math.isfinite(raw):
        return ""
    try:
        text = shown(raw[:MOST_ITEMS] if isinstance(raw, list) else raw)
    except (FilterArgumentError, ValueError, RecursionError):
        return ""
    return "" if text == MISSING else cut(clean_line(text[: 4 * MAX_TEXT]), MAX_TEXT)


# --- writing --------------------------------------------------------------------------------------------------------
class Written(NamedTuple):
    """A fact as a person reads it: `text` is the value in the message's language and the person's time zone."""

    fact: KeyFact
    text: str

    @property
    def is_large(self) -> bool:
        """Whether it is shown large where it is the first. Names and addresses would leave no room for the title."""
        return self.fact.kind in (FactKind.MONEY, FactKind.NUMBER)

    @property
    def in_a_row(self) -> str:
        """Beside other facts, without its label where the value says what it is."""
        plain = self.fact.kind in (FactKind.TEXT, FactKind.MONEY)
        return self.text if plain else f"{self.fact.label} {self.text}"

    def as_json(self) -> Json:
        label, kind, value, currency, _sensitive = self.fact
        return {"label": label, "kind": kind, "value": value, "currency": currency or None, "text": self.text}


def facts_of(notification: Notification) -> list[Written]:
    """The key facts of a notification, in its language. Reads its recipient."""
    locale = formats.locale_for(notification.language, notification.recipient.locale)
    zone = formats.zone_of(notification.recipient.timezone)
    return [Written(fact, _written(fact, locale, zone)) for fact in _stored_facts(notification)]


def written_for(fact: KeyFact, language: str, reader: Recipient) -> str:
    """The value in that language, in the reader's variety of it and in their time zone."""
    return _written(fact, formats.locale_for(language, reader.locale), formats.zone_of(reader.timezone))


def _stored_facts(notification: Notification) -> Iterable[KeyFact]:
    details = notification.details
    if STORED in details:
        return [KeyFact(*row) for row in details[STORED]]
    # It was worded by a version that knew of no key facts, nor whether lock screens may show the amount.
    context = {"variables": object_in(details, "variables")}
    return [fact._replace(sensitive=True) for fact in usual(notification.language, context, ())]


def _written(fact: KeyFact, locale: Locale, zone: tzinfo) -> str:
    number = formats.as_number(fact.value)
    if fact.kind == FactKind.MONEY and number is not None:
        return formats.money(number, fact.currency, locale)
    if fact.kind == FactKind.NUMBER and number is not None:
        return formats.number(number, locale)
    if fact.kind in (FactKind.DATE, FactKind.DATETIME):
        return _written_time(fact, locale, zone)
    return str(fact.value)


def _written_time(fact: KeyFact, locale: Locale, zone: tzinfo) -> str:
    iso_text = str(fact.value)
    if "T" not in iso_text:
        return formats.day(date.fromisoformat(iso_text), locale)
    moment = formats.as_instant(iso_text)
    assert moment is not None  # it was one when it was stored
    here = moment.astimezone(zone)
    return formats.day(here, locale) if fact.kind == FactKind.DATE else formats.moment(here, locale)


def at_a_glance(facts: Iterable[Written], message_text: str) -> str:
    """The facts in one line for lock screens, without those that must not be there, or that `message_text` has."""
    return " · ".join(each.in_a_row for each in facts if not each.fact.sensitive and not says(message_text, each.text))


def says(message_text: str, text: str) -> bool:
    """Whether the message has `text` as whole words, in any case."""
    return re.search(rf"(?<!\w){re.escape(text.casefold())}(?!\w)", message_text.casefold()) is not None
