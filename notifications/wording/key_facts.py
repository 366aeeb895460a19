"""Key facts: up to six labelled values by which people decide, read when a message is rendered.

A notification keeps them in `details["key_facts"]`, in the order of the template: label in the message's language,
kind, value (a number as it is shown, not as it came), currency, and 1 if lock screens must not show it. Empty members
at the end are left out. `details["key_fact_labels"]` has their labels by language, in the same order. They are written
as text, in the reader's language, when a person reads them.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, tzinfo
from functools import cache
from typing import Any, NamedTuple

from babel import Locale
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from liquid.exceptions import FilterArgumentError

from notifications.models import MOST_FACTS, FactKind, Notification, Recipient, TemplateFact, TemplateVersion
from notifications.types import Json, lookup, object_in
from notifications.wording import formats
from notifications.wording.languages import label_in, languages, spoken, tag
from notifications.wording.liquid_filters import MISSING, shown
from notifications.wording.plaintext import clean_line, cut
from notifications.wording.sensitive import without_paths
from notifications.wording.typed_numbers import plain

MAX_TEXT, MAX_LABEL, MAX_CURRENCY = 120, 60, 20
"""Characters of a value that is text, of a label and of a currency."""

MOST_ITEMS = 10
"""Maximum items of a list that are written."""

STORED, LABELS = "key_facts", "key_fact_labels"
"""The members of a notification's details."""

AMOUNT = TemplateFact(path="variables.amount", kind=FactKind.MONEY)
"""The fact of templates that name no facts."""

CODE = re.compile(r"[A-Z]{3}")
"""A currency that is written into the template; any other text is a path."""

LARGE = (FactKind.MONEY, FactKind.NUMBER)
"""The kinds of a first fact that cards show large."""

Value = str | int | float
"""True and False are shown as yes and no."""


class KeyFact(NamedTuple):
    """One labelled value: a number, rounded as it is shown, or text. `sensitive`: not for lock screens. `label` is in
    the message's language; `labels` has it by language tag."""

    label: str
    kind: str
    value: Value
    currency: str = ""
    sensitive: bool = False
    labels: Mapping[str, str] = {}

    def stored(self) -> list[Any]:
        row = [self.label, self.kind, self.value, self.currency, int(self.sensitive)]
        while not row[-1] and len(row) > 3:
            row.pop()
        return row

    def label_for(self, language: str) -> str:
        return label_in(self.labels, language) or self.label


def stored(facts: Iterable[KeyFact]) -> Json:
    """Return the members of a notification's details that keep the facts."""
    rows = list(facts)
    members: Json = {STORED: [fact.stored() for fact in rows]} if rows else {}
    labels = [dict(fact.labels) if len(fact.labels) > 1 else {} for fact in rows]
    return {**members, LABELS: labels} if any(labels) else members


# --- reading --------------------------------------------------------------------------------------------------------
def read(version: TemplateVersion, language: str, context: Json, hidden: Sequence[str]) -> tuple[KeyFact, ...]:
    """Return the facts that the version names and the context has; the amount if the version names none.

    `language` is that of the message's text. Lock screens must not show the paths `hidden`.
    """
    # A draft that is being typed has no order in the database.
    template_facts = sorted(version.facts.all(), key=lambda each: each.position)[:MOST_FACTS]
    if not template_facts:
        return usual(language, context, hidden)
    tags = [*languages(language, version.template.fallback_language)]
    on_lock_screens = without_paths(context, hidden)
    facts = (_read(each, _labels(each), tags, context, on_lock_screens) for each in template_facts)
    return tuple(each for each in facts if each is not None)


def usual(language: str, context: Json, hidden: Sequence[str]) -> tuple[KeyFact, ...]:
    """Return the amount with its currency, if there is one."""
    if formats.as_number(lookup(context, AMOUNT.path)) is None:
        return ()
    amount = _read(AMOUNT, _usual_labels(), [*languages(language)], context, without_paths(context, hidden))
    return (amount,) if amount is not None else ()


@cache
def _usual_labels() -> dict[str, str]:
    labels = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            labels[language] = _("Amount")
    return labels


def _labels(fact: TemplateFact) -> dict[str, str]:
    """Return the template's labels by language tag."""
    written = fact.labels if isinstance(fact.labels, dict) else {}
    texts = {tag(each): clean_line(text) for each, text in written.items() if isinstance(text, str)}
    return {each: cut(text, MAX_LABEL) for each, text in texts.items() if text}


def _best(labels: Mapping[str, str], tags: Sequence[str], path: str) -> str:
    """Return the label in the best of these languages, else in any; else the last name of the fact's path."""
    best = next((labels[each] for each in (*tags, *labels) if each in labels), "")
    return best or cut(clean_line(path.rpartition(".")[2].replace("_", " ").capitalize()), MAX_LABEL)


def _read(
    fact: TemplateFact, labels: Mapping[str, str], tags: Sequence[str], context: Json, on_lock_screens: Json
) -> KeyFact | None:
    """Return the fact; None without a value."""
    raw, paths = lookup(context, fact.path), [fact.path]
    currency = ""
    if fact.kind == FactKind.MONEY:
        currency, at = _currency(fact, context)
        paths += at
    kind, value = _typed(fact.kind, raw)
    if value == "":
        return None
    sensitive = any(lookup(on_lock_screens, path) != lookup(context, path) for path in paths)
    if kind in (FactKind.MONEY, FactKind.NUMBER):
        value = _rounded(value, formats.places_of(currency) if kind == FactKind.MONEY else formats.PLACES)
    currency = currency if kind == FactKind.MONEY else ""
    return KeyFact(_best(labels, tags, fact.path), kind, value, currency, sensitive, labels)


def _rounded(value: Value, places: int) -> Value:
    """Return the number as it is shown, so that search finds it; unchanged if it has no more places."""
    number = formats.as_number(value)
    assert number is not None  # by its kind
    shown = formats.rounded(number, places)
    if isinstance(value, str):
        return value if shown == number else plain(shown)
    return value if isinstance(value, int) else float(shown)


def _currency(fact: TemplateFact, context: Json) -> tuple[str, list[str]]:
    """Return the currency, and the paths at which it is."""
    if CODE.fullmatch(fact.currency):
        return fact.currency, []
    path = currency_path(fact)
    raw = lookup(context, path)
    return (cut(clean_line(raw[: 4 * MAX_CURRENCY]), MAX_CURRENCY) if isinstance(raw, str) else ""), [path]


def template_facts(version: TemplateVersion | None) -> list[TemplateFact]:
    """Return the facts of the version, else the usual amount."""
    return (list(version.facts.all()) if version is not None else []) or [AMOUNT]


def currency_paths(facts: Iterable[TemplateFact]) -> dict[str, str]:
    """Return the path of the currency by the path of its amount, for amounts whose currency is not written into the
    template."""
    money = [fact for fact in facts if fact.kind == FactKind.MONEY and not CODE.fullmatch(fact.currency)]
    return {fact.path: currency_path(fact) for fact in money}


def currency_path(fact: TemplateFact) -> str:
    """Return the path of a currency that is no code: the fact's own, else “currency” beside the amount."""
    before, dot, _name = fact.path.rpartition(".")
    return fact.currency or f"{before}{dot}currency"


def _typed(kind: str, raw: Any) -> tuple[str, Value]:
    """Return the kind and the value; text if the value is of another type. An empty text: there is no value."""
    if isinstance(raw, bool):
        return FactKind.TEXT.value, raw
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
    """Return a day, which is the same everywhere, or an instant in UTC."""
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
    """Return the text that templates print, in one line; empty for a value without text."""
    if isinstance(raw, float) and not math.isfinite(raw):
        return ""
    try:
        text = shown(raw[:MOST_ITEMS] if isinstance(raw, list) else raw)
    except (FilterArgumentError, ValueError, RecursionError):
        return ""
    return "" if text == MISSING else cut(clean_line(text[: 4 * MAX_TEXT]), MAX_TEXT)


# --- writing --------------------------------------------------------------------------------------------------------
class WrittenFact(NamedTuple):
    """A fact as a person reads it: `label` and `text`, the value, in their language and time zone."""

    fact: KeyFact
    label: str
    text: str

    @property
    def is_large(self) -> bool:
        """True if the value may be shown large as the first one. Names and addresses leave no room for the title."""
        return self.fact.kind in LARGE

    @property
    def in_a_row(self) -> str:
        """The text beside other facts, without a label if the value says what it is."""
        plain = self.fact.kind in (FactKind.TEXT, FactKind.MONEY) and not isinstance(self.fact.value, bool)
        return self.text if plain else f"{self.label} {self.text}"

    def as_json(self) -> Json:
        fact = self.fact
        value = self.text if isinstance(fact.value, bool) else fact.value
        return {
            "label": self.label,
            "kind": fact.kind,
            "value": value,
            "currency": fact.currency or None,
            "text": self.text,
        }


def facts_of(notification: Notification, language: str = "") -> list[WrittenFact]:
    """Return the key facts of a notification in `language`, else in its person's own. Reads its recipient."""
    reader = notification.recipient
    return [written_for(fact, language or reader.locale, reader) for fact in facts_in(notification)]


def key_amount(details: Json) -> str:
    """Return the number that cards show large, in the active language and its reader's variety; empty without one.

    `details`: those of a notification, or the data of a task that nobody has.
    """
    first = next(iter(_stored_facts(details, translation.get_language() or "en")), None)
    if first is None or first.kind not in LARGE:
        return ""
    return _written(first, formats.active_locale(), UTC)


def written_for(fact: KeyFact, language: str, reader: Recipient) -> WrittenFact:
    """Return the fact in that language, in the reader's variety of it and in their time zone."""
    if isinstance(fact.value, bool):
        with translation.override(spoken(language)):
            text = _("yes") if fact.value else _("no")
    else:
        text = _written(fact, formats.locale_for(language, reader.locale), formats.zone_of(reader.timezone))
    return WrittenFact(fact, fact.label_for(language), text)


def facts_in(notification: Notification) -> Sequence[KeyFact]:
    """Return the key facts that a notification keeps."""
    return _stored_facts(notification.details, notification.language)


def _stored_facts(details: Json, language: str) -> Sequence[KeyFact]:
    if STORED in details:
        rows = [KeyFact(*row) for row in details[STORED]]
        labels = details.get(LABELS) or [{}] * len(rows)
        return [fact._replace(labels=each) for fact, each in zip(rows, labels, strict=True)]
    # An earlier version wrote this notification, without key facts. Lock screens may not have been allowed the amount.
    context = {"variables": object_in(details, "variables")}
    return [fact._replace(sensitive=True) for fact in usual(language, context, ())]


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


def at_a_glance(facts: Iterable[WrittenFact], message_text: str) -> str:
    """Return the facts in one line for lock screens, without sensitive ones and those that `message_text` has."""
    return " · ".join(each.in_a_row for each in facts if not each.fact.sensitive and not says(message_text, each.text))


def says(message_text: str, text: str) -> bool:
    """Return whether the message has `text` as whole words, in any case."""
    return re.search(rf"(?<!\w){re.escape(text.casefold())}(?!\w)", message_text.casefold()) is not None
