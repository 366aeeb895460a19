"""The values of an answer as stored with it, whatever becomes of the form: shown, and sent to the engine.

An entry is {name, label, kind, value}. It may have `currency`, `whole`, `labels` of the chosen values, `before` (the
variable's value at that time) and `sensitive`. The value of a field of files is a list of their descriptions. An entry
of rows has `columns`, entries without values, and may have `sum`, the name of a column.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.attachments.representation import size_said
from notifications.forms import definition
from notifications.forms.faults import SUM, written
from notifications.forms.fields import Field, Form, words_in
from notifications.types import Json
from notifications.wording import formats
from notifications.wording.plaintext import clean_line

TYPES = {"number": "double", "money": "double", "date": "date", "choices": "json", "rows": "json"} | dict.fromkeys(
    definition.FILE_KINDS, "json"
)
"""The engine's type of a value, by kind. Kinds without one here have the type of the JSON value."""
MOST_BEFORE = 4_000


@dataclass(frozen=True)
class ShownValue:
    """A value for people, in the active language. `before` is the previous value, if it was changed. `rows` and
    `rows_before` are those of a table; its text says their number."""

    name: str
    label: str
    text: str
    before: str = ""
    rows: Sequence[str] = ()
    rows_before: Sequence[str] = ()

    @property
    def line(self) -> str:
        """The value with its label in one line, or with rows in several."""
        instead = _("instead of %(text)s") % {"text": self.before} if self.before else ""
        if self.rows or self.rows_before:
            before = [f"{instead}:", *self.rows_before] if self.rows_before else [instead] if instead else []
            return "\n".join([f"{self.label}: {self.text}", *self.rows, *before])
        return f"{self.label}: {self.text} ({instead})" if instead else f"{self.label}: {self.text}"


def entries_of(form: Form, values: Json, hidden: Iterable[str] = ()) -> list[Json]:
    """Return the entries in the order of the form. `hidden` are paths of an event's data that are sensitive."""
    secret = set(hidden)
    return [_entry(field, values[field.name], secret) for field in form if field.name in values]


def _entry(field: Field, value: Any, hidden: set[str]) -> Json:
    entry = {**describe_field(field, value if isinstance(value, list) else [value]), "value": value}
    if field.columns:
        rows = [*value, *(field.before or ())]
        entry["columns"] = [describe_field(column, [row.get(column.name) for row in rows]) for column in field.columns]
    path = f"variables.{field.source}"
    if field.sensitive or path in hidden or (field.columns and any(each.startswith(f"{path}.") for each in hidden)):
        entry["sensitive"] = True
    if field.before is not None and field.before != value and len(str(field.before)) <= MOST_BEFORE:
        entry["before"] = field.before
    return entry


def describe_field(field: Field, chosen: Sequence[Any] = ()) -> Json:
    """Return the members of an entry that describe its field, with the labels of the `chosen` values."""
    labels = {str(each.value): each.title for each in field.choices if each.value in chosen and each.title}
    total = field.total.name if field.total is not None else ""
    more = {"currency": field.currency, "whole": field.whole, "labels": labels, "sum": total}
    entry = {"name": field.name, "label": field.title or field.name, "kind": field.kind}
    return {**entry, **{name: member for name, member in more.items() if member}}


def values_of(entries: Iterable[Json]) -> Json:
    """Return the variables for the engine, by name."""
    return {entry["name"]: entry["value"] for entry in entries}


def given_of(entries: Iterable[Json]) -> Json:
    """Return the values as submitted: files by their ids."""
    files = definition.FILE_KINDS
    return {
        entry["name"]: [file["id"] for file in entry["value"]] if entry["kind"] in files else entry["value"]
        for entry in entries
    }


def types_of(entries: Iterable[Json]) -> dict[str, str]:
    """Return the engine's types of values whose JSON type is not enough, by name."""
    types = ((entry["name"], "" if entry.get("whole") else TYPES.get(entry["kind"], "")) for entry in entries)
    return {name: type for name, type in types if type}


def files_of(entries: Iterable[Json]) -> list[str]:
    """Return the ids of the files that people may see."""
    visible = [each for each in entries if each["kind"] in definition.FILE_KINDS and not each.get("sensitive")]
    return [file["id"] for entry in visible for file in entry["value"]]


def public_values(entries: Iterable[Json]) -> Json:
    """Return the values with null in place of sensitive ones, for readers who may not see those."""
    return {entry["name"]: None if entry.get("sensitive") else entry["value"] for entry in entries}


def shown(entries: Sequence[Json], language: str) -> list[ShownValue]:
    """Return the values in the active language; `language` formats numbers and days. Sensitive values are hidden."""
    return [_shown(entry, language) for entry in entries]


def _shown(entry: Json, language: str) -> ShownValue:
    label = clean_line(words_in(entry["label"], language)) or entry["name"]
    if entry.get("sensitive"):
        return ShownValue(entry["name"], label, _("given, not shown"))
    before = _text(entry, entry["before"], language) if "before" in entry else ""
    text, rows = _text(entry, entry["value"], language), _rows(entry, entry["value"], language)
    return ShownValue(entry["name"], label, text, before, rows, _rows(entry, entry.get("before"), language))


def _rows(entry: Json, rows: Any, language: str) -> list[str]:
    """Return each row of a table as a line: “1. Pump · 2 · €30.00”."""
    columns, records = entry.get("columns", ()), rows if isinstance(rows, list) else []
    cells = (
        [_text(column, row[column["name"]], language) if column["name"] in row else "–" for column in columns]
        for row in (records if columns else ())
    )
    return [f"{at}. {' · '.join(each)}" for at, each in enumerate(cells, start=1)]


def _count_of(entry: Json, rows: Sequence[Json], language: str) -> str:
    """Return the number of rows, and the sum if the table has one: “2 rows. Sum of the column “Price”: €42.00”."""
    if not rows:
        return _("no rows")
    count = ngettext("%(count)s row", "%(count)s rows", len(rows)) % {"count": len(rows)}
    column = next((each for each in entry["columns"] if each["name"] == entry.get("sum")), None)
    if column is None:
        return count
    return f"{count}. {sum_of_rows(rows, column, language)}"


def sum_of_rows(rows: Sequence[Json], column: Json, language: str) -> str:
    """Return the sum in words: “Sum of the column “Price”: €42.00”. `column` is the entry of the column."""
    total = sum((Decimal(str(row.get(column["name"], 0))) for row in rows), Decimal(0))
    total_text = written(total, column["kind"], column.get("currency", ""), formats.locale_of(language))
    return str(SUM).format(column=clean_line(words_in(column["label"], language)) or column["name"], sum=total_text)


def _text(entry: Json, value: Any, language: str) -> str:
    if entry["kind"] in definition.FILE_KINDS:
        return ", ".join(f"{each['name']} ({size_said(each['size'])})" for each in value)
    if entry["kind"] == "rows":
        return _count_of(entry, value, language)
    if isinstance(value, list):
        return ", ".join(_text(entry, each, language) for each in value)
    chosen = entry.get("labels", {}).get(str(value))
    if chosen:
        return clean_line(words_in(chosen, language))
    return written(value, entry["kind"], entry.get("currency", ""), formats.locale_of(language))
