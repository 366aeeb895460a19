"""The values of an answer as they are kept with it, whatever becomes of the form: shown, and told the engine.

An entry is {name, label, kind, value}, perhaps with `currency`, `whole`, `labels` of what was chosen, `before`, the
variable's value by then, and `sensitive`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from notifications.forms.faults import written
from notifications.forms.fields import Field, Form, words_in
from notifications.types import Json
from notifications.wording import formats
from notifications.wording.plaintext import clean_line

TYPES = {"number": "double", "money": "double", "date": "date", "choices": "json"}
"""By kind: what the engine is told of the value's type. Without one, it is that of the JSON value."""
MOST_BEFORE = 4_000


@dataclass(frozen=True)
class Shown:
    """A value for people, in the active language. `before`: what it was, where it has been changed."""

    name: str
    label: str
    text: str
    before: str = ""

    @property
    def line(self) -> str:
        instead = _("instead of %(text)s") % {"text": self.before} if self.before else ""
        return f"{self.label}: {self.text} ({instead})" if instead else f"{self.label}: {self.text}"


def entries_of(form: Form, values: Json, hidden: Iterable[str] = ()) -> list[Json]:
    """In the order of the form. `hidden`: paths of an event's data that are sensitive."""
    secret = set(hidden)
    return [_entry(field, values[field.name], secret) for field in form if field.name in values]


def _entry(field: Field, value: Any, hidden: set[str]) -> Json:
    entry: Json = {"name": field.name, "label": field.said or field.name, "kind": field.kind, "value": value}
    chosen = value if isinstance(value, list) else [value]
    labels = {str(each.value): each.said for each in field.choices if each.value in chosen and each.said}
    more = {
        "currency": field.currency,
        "whole": field.whole,
        "labels": labels,
        "sensitive": field.sensitive or f"variables.{field.source}" in hidden,
    }
    entry |= {name: said for name, said in more.items() if said}
    if field.before is not None and field.before != value and len(str(field.before)) <= MOST_BEFORE:
        entry["before"] = field.before
    return entry


def values_of(entries: Iterable[Json]) -> Json:
    """The variables that the engine gets."""
    return {entry["name"]: entry["value"] for entry in entries}


def types_of(entries: Iterable[Json]) -> dict[str, str]:
    """Their types, where the JSON values do not say them."""
    found = ((entry["name"], "" if entry.get("whole") else TYPES.get(entry["kind"], "")) for entry in entries)
    return {name: type for name, type in found if type}


def public_values(entries: Iterable[Json]) -> Json:
    """For whoever may not see what is sensitive: that has null."""
    return {entry["name"]: None if entry.get("sensitive") else entry["value"] for entry in entries}


def shown(entries: Sequence[Json], language: str) -> list[Shown]:
    """In the active language, with numbers and days as `language` writes them. Sensitive values are not told."""
    return [_shown(entry, language) for entry in entries]


def _shown(entry: Json, language: str) -> Shown:
    label = clean_line(words_in(entry["label"], language)) or entry["name"]
    if entry.get("sensitive"):
        return Shown(entry["name"], label, _("given, and not shown"))
    before = _text(entry, entry["before"], language) if "before" in entry else ""
    return Shown(entry["name"], label, _text(entry, entry["value"], language), before)


def _text(entry: Json, value: Any, language: str) -> str:
    if isinstance(value, list):
        return ", ".join(_text(entry, each, language) for each in value)
    chosen = entry.get("labels", {}).get(str(value))
    if chosen:
        return clean_line(words_in(chosen, language))
    return written(value, entry["kind"], entry.get("currency", ""), formats.locale_of(language))
