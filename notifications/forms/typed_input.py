"""Reads typed input of a form's fields in the person's language, and writes values in the same format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from babel import Locale

from notifications.forms import definition, keywords
from notifications.forms.faults import Fault
from notifications.forms.fields import Field, Form
from notifications.types import Json
from notifications.wording.typed_numbers import (
    EXAMPLE,
    SIGNS,
    AmbiguousNumber,
    ForeignNumber,
    UnreadableNumber,
    number_in,
    write_number,
)

PREFIX = "value-"
"""Prefix of the names of fields in a posted form."""
YES_NO = {"yes": True, "no": False}


class Posted(Protocol):
    """A posted form, such as Django's QueryDict."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass
class TypedForm:
    """The input of a form. `texts` are the typed texts by field, to be shown again; `values` their meanings; `faults`
    the texts that cannot be read."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    values: Json = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    files: dict[str, Sequence[Any]] = field(default_factory=dict)
    """Files by field, as pages show them."""


def read(form: Form, posted: Posted, locale: Locale) -> TypedForm:
    """Read the values in a posted form. Empty fields are left out."""
    typed = TypedForm()
    for each in form:
        texts = typed.texts[each.name] = _posted(posted, each.name)
        if each.kind == "rows":
            _read_rows(typed, each, posted, locale)
            continue
        filled_texts = [text for text in texts if text.strip()]
        if not filled_texts:
            continue
        try:
            typed.values[each.name] = _value(each, filled_texts, locale)
        except _Unreadable as unreadable:
            typed.faults.append(unreadable.fault)
    return typed


def _posted(posted: Posted, name: str) -> list[str]:
    return [text.replace("\r\n", "\n").replace("\x00", "") for text in posted.getlist(PREFIX + name)]


def _read_rows(typed: TypedForm, table: Field, posted: Posted, locale: Locale) -> None:
    """Add the rows that have a text to `typed`. No rows are a value if the page showed the table, and its default had
    some. A text that cannot be read stays in its cell, so that the row counts."""
    rows: list[Json] = []
    for at in range(definition.MOST_ROWS):
        texts = {column.name: _posted(posted, cell_name(table, at, column)) for column in table.columns}
        typed.texts |= {cell_name(table, at, column): texts[column.name] for column in table.columns}
        filled = {name: written for name, all in texts.items() if (written := [text for text in all if text.strip()])}
        row: Json = {}
        for column in (each for each in table.columns if each.name in filled):
            try:
                row[column.name] = _value(column, filled[column.name], locale)
            except _Unreadable as unreadable:
                row[column.name] = filled[column.name][0]
                typed.faults.append(replace(unreadable.fault, table=table, row=len(rows)))
        rows += [row] if row else []
    if rows or (typed.texts[table.name] and table.default is not None):
        typed.values[table.name] = rows


def cell_name(table: Field, row: int, column: Field) -> str:
    """Return the name of a cell's field; `row` counts from 0, including empty rows."""
    return f"{table.name}.{row}.{column.name}"


class _Unreadable(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def _value(of: Field, texts: list[str], locale: Locale) -> Any:
    """Return the value of the typed texts. Raises _Unreadable."""
    text = texts[0]
    match of.kind:
        case "number" | "money":
            return _number(of, text, locale)
        case "yes_no":
            return YES_NO.get(text, text)
        case "date":
            return keywords.as_day(text.strip()) or text  # browsers send days in ISO 8601, whatever they show
        case "choice":
            return _chosen(of, text)
        case "choices":
            return [_chosen(of, each) for each in texts]
        case "files" | "photo" | "signature":
            return texts
        case _:
            return text


def _chosen(of: Field, text: str) -> Any:
    """Return the choice with this text. If there is none, return the text itself, which the check refuses."""
    return next((each.value for each in of.choices if str(each.value) == text), text)


# --- numbers ----------------------------------------------------------------------------------------------------------
def _number(of: Field, text: str, locale: Locale) -> int | float:
    """Read a number as the reader's language writes it. Text that could be another number in another language is
    refused. Raises _Unreadable."""
    bare = text.strip().strip(SIGNS).removeprefix(of.currency).removesuffix(of.currency)
    try:
        number = keywords.as_number(str(number_in(bare, locale)))
    except UnreadableNumber as unclear:
        if isinstance(unclear, AmbiguousNumber) and not isinstance(unclear, ForeignNumber):
            raise _Unreadable(Fault(of, "ambiguous", {"one": unclear.one, "other": unclear.other})) from unclear
        number = None
    if number is None:
        raise _Unreadable(Fault(of, "number", {"example": write_number(EXAMPLE, locale)}))
    return number


def number_in_field(of: Field, texts: Sequence[str], locale: Locale) -> int | float | None:
    """Return the number in a field; None if it is empty or cannot be read."""
    try:
        return _number(of, texts[0], locale) if texts else None
    except _Unreadable:
        return None


# --- values as typed text ---------------------------------------------------------------------------------------------
def texts_of(of: Field, value: Any, locale: Locale) -> list[str]:
    """Return the texts that the field shows for a value."""
    if value is None:
        return []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, list):
        return [str(each) for each in value]
    if of.kind in ("number", "money"):
        return [write_number(Decimal(str(value)), locale, 2 if of.kind == "money" else 0)]
    return [str(value)]


def as_lines(form: Form, typed: TypedForm) -> str:
    """Return the typed input in lines of “label: text”, to be shown when it cannot be sent."""
    file_names = {name: [str(file.name) for file in files] for name, files in typed.files.items()}
    return "\n".join(line for each in form for line in _field_lines(each, typed.texts | file_names))


def _field_lines(of: Field, texts: Mapping[str, list[str]]) -> Iterator[str]:
    rows = [[cell_name(of, at, column) for column in of.columns] for at in range(definition.MOST_ROWS)]
    for names in rows if of.columns else [[of.name]]:
        filled_texts = [text for name in names for text in texts.get(name, []) if text.strip()]
        if filled_texts:
            yield f"{of.label('')}: {', '.join(filled_texts)}"
