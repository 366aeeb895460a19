"""The state of a configuration object at one time, and the differences between two states, in words."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any, Literal

from django.db import models
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from simple_history.utils import get_m2m_reverse_field_name

from notifications.admin.desk.display import short, span
from notifications.feature_targets import RefField, named_row
from notifications.models.history import PartRow, columns_of, part_names, part_relation, parts_of
from notifications.wording.plaintext import cut, escape_hidden_in_json, unix_lines

LONG, LONGEST = 60, 4_000
"""Characters from which texts are compared word for word, and maximum number of characters that are shown."""

LINES, WORDS = re.compile(r"[^\n]*\n|[^\n]+"), re.compile(r"\w+|\s+|[^\w\s]")
MOST_PAIRS = 50_000
"""Maximum number of pairs of equal words or lines that are compared. Beyond, comparing would take minutes: the old text
is shown as removed and the new one as added."""

CONTEXT = 80
"""Number of unchanged characters shown before and after a change."""

Change = Literal["same", "added", "removed"]


@dataclass(frozen=True)
class Piece:
    change: Change
    text: str


@dataclass(frozen=True)
class State:
    """The state of an object. `values`: fields with a history by name, relations as keys. `parts`: None if no parts
    were recorded."""

    model: type[models.Model]
    values: dict[str, Any]
    parts: dict[str, list[PartRow]] | None


@dataclass(frozen=True)
class Difference:
    """A changed field: “Channels: live → live, email”. `pieces`: of a long text. `below`: the fields of a part."""

    name: str
    old: str = ""
    new: str = ""
    pieces: Sequence[Piece] = ()
    below: Sequence["Difference"] = field(default_factory=tuple)


def state_of(row: Any) -> State:
    """Return the present state."""
    row = type(row)._base_manager.get(pk=row.pk)
    history = type(row).history.model
    values = {each.name: each.value_from_object(row) for each in history.tracked_fields if not each.primary_key}
    for many in history._history_m2m_fields:
        values[many.name] = sorted(getattr(row, many.name).values_list("pk", flat=True))
    parts = parts_of(row) if part_names(type(row)) else {}
    return State(type(row), values, _typed_parts(type(row), parts))


def state_then(record: Any) -> State:
    """Return the state after the change that the record describes."""
    model = record.instance_type
    values = {each.name: getattr(record, each.attname) for each in record.tracked_fields if not each.primary_key}
    for many in record._history_m2m_fields:
        key = f"{get_m2m_reverse_field_name(many)}_id"
        values[many.name] = sorted(getattr(record, many.name).values_list(key, flat=True))
    parts = record.parts if part_names(model) else {}
    return State(model, values, _typed_parts(model, parts))


def _typed_parts(model: type[models.Model], parts: dict[str, list[PartRow]] | None) -> dict[str, list[PartRow]] | None:
    if parts is None:
        return None
    of = {name: part_relation(model, name).related_model for name in parts}
    return {name: [_typed(of[name], row) for row in rows] for name, rows in parts.items()}


# --- differences ------------------------------------------------------------------------------------------------------
def differences(before: State, after: State, names: Iterable[str] | None = None) -> list[Difference]:
    """Return the differences of fields, then of parts. `names` limits them to these fields and relations."""
    required = set(names) if names is not None else {*after.values, *part_names(after.model)}
    fields = [
        _difference(after.model._meta.get_field(name), before.values.get(name), value)
        for name, value in after.values.items()
        if name in required and before.values.get(name) != value
    ]
    if before.parts is None or after.parts is None:
        return fields
    for name in part_names(after.model):
        if name in required:
            relation = part_relation(after.model, name)
            fields += _part_differences(relation, before.parts.get(name, []), after.parts.get(name, []))
    return fields


def _difference(of: Any, old: Any, new: Any, rows: tuple[PartRow, PartRow] = ({}, {})) -> Difference:
    name, old_text, new_text = label_of(of), display_text(of, old, rows[0]), display_text(of, new, rows[1])
    if max(len(old_text), len(new_text)) > LONG:
        return Difference(name, pieces=around_changes(words_between(old_text, new_text)))
    return Difference(name, old_text or "–", new_text or "–")


def _part_differences(relation: Any, before: Sequence[PartRow], after: Sequence[PartRow]) -> Iterator[Difference]:
    model, key = relation.related_model, relation.field
    old, new = {row["pk"]: row for row in before}, {row["pk"]: row for row in after}
    pairs = [(old.get(pk), new.get(pk)) for pk in dict.fromkeys([*old, *new])]
    gone, come = [a for a, b in pairs if a and not b], [b for a, b in pairs if b and not a]
    for row in list(gone):  # deleted and added again with the same content
        if (twin := next((each for each in come if _content(each) == _content(row)), None)) is not None:
            gone.remove(row)
            come.remove(twin)
    kind = str(capfirst(model._meta.verbose_name))
    for title, rows in ((_("%(part)s removed"), gone), (_("%(part)s added"), come)):
        for row in rows:
            yield Difference(title % {"part": kind}, below=list(_all_columns(model, key, row)))
    for a, b in pairs:
        if a and b and a != b:
            changed = [each for each in columns_of(model, key) if a.get(each.attname) != b.get(each.attname)]
            below = [_difference(each, a.get(each.attname), b.get(each.attname), (a, b)) for each in changed]
            yield Difference(_("%(part)s changed") % {"part": f"{kind} “{_name(model, a)}”"}, below=below)


def _content(row: PartRow) -> PartRow:
    return {name: value for name, value in row.items() if name != "pk"}


def _all_columns(model: type[models.Model], key: Any, row: PartRow) -> Iterator[Difference]:
    for each in columns_of(model, key):
        if words := display_text(each, row.get(each.attname), row):
            yield Difference(label_of(each), new=cut(words, LONGEST))


def _typed(model: type[models.Model], row: PartRow) -> PartRow:
    """Convert a stored row to Python values. Columns that no longer exist are left out."""
    columns = {each.attname: each for each in model._meta.concrete_fields}
    typed = {name: _to_python(columns[name], value) for name, value in row.items() if name in columns}
    return {**typed, "pk": row["pk"]}


def _to_python(of: Any, value: Any) -> Any:
    target = of.target_field if of.is_relation else of
    return value if isinstance(target, models.JSONField) else target.to_python(value)


def _name(model: type[models.Model], row: PartRow) -> str:
    """Return the name of the part in lists."""
    try:
        return str(part_from(model, row))
    except (models.ObjectDoesNotExist, AttributeError):  # a row in its name is gone
        return str(row["pk"])


def part_from(model: type[models.Model], row: PartRow) -> Any:
    """Return the part as an unsaved instance."""
    typed = _typed(model, row)
    return model(**{**_content(typed), "pk": row["pk"]})


# --- words ------------------------------------------------------------------------------------------------------------
def label_of(of: Any) -> str:
    return str(capfirst(of.verbose_name))


def display_text(of: Any, value: Any, row: PartRow) -> str:
    """Return a field's value in a row as people read it; empty for no value."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(of, RefField):
        named = named_row(row.get(of.kind_field, ""), value)
        return str(named) if named is not None else _deleted(value)
    model = of.related_model if of.is_relation else getattr(of, "names", None)
    if model is not None:
        keys = value if isinstance(value, list) else [value]
        return ", ".join(_row_names(model, keys))
    chosen = dict(getattr(of, "flatchoices", ()))
    if not isinstance(value, list | dict) and value in chosen:
        return str(chosen[value])
    return cut(_plain_text(value), LONGEST)


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return short(value)
    if isinstance(value, date):
        return date_format(value, "SHORT_DATE_FORMAT")
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, dict) and all(isinstance(each, bool) for each in value.values()):
        return ", ".join(f"{name}: {_plain_text(each)}" for name, each in value.items())
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return ", ".join(map(str, value))
    return escape_hidden_in_json(value, indent=2) if isinstance(value, list | dict) else str(value)


def _row_names(model: type[models.Model], keys: Sequence[Any]) -> Iterator[str]:
    there = model._base_manager.in_bulk(keys)
    for key in keys:
        yield str(there[key]) if key in there else _deleted(key)


def _deleted(key: Any) -> str:
    return _("a deleted one (%(key)s)") % {"key": key}


# --- comparison of two texts ------------------------------------------------------------------------------------------
def words_between(old: str, new: str) -> list[Piece]:
    """Return the new text with the added and the removed words in their places. Lines are compared first, then words in
    lines that differ. Line endings of browsers, of Windows and of Unix are the same."""
    pieces: list[Piece] = []
    for gone, came in _blocks(LINES, unix_lines(old), unix_lines(new)):
        for less, more in [(gone, came)] if gone == came else _blocks(WORDS, gone, came):
            changes: list[tuple[Change, str]] = (
                [("removed", less), ("added", more)] if less != more else [("same", more)]
            )
            for change, text in changes:
                if change == "same" and pieces and pieces[-1].change == "same":
                    text = pieces.pop().text + text
                pieces += [Piece(change, text)] if text else []
    return pieces


def _blocks(what: re.Pattern[str], old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of the old and the new text of a place, equal or not. Blanks alone are no reason to call it equal."""
    before, after = what.findall(old), what.findall(new)
    counts = Counter(each for each in after if not each.isspace())
    if sum(counts[each] for each in before) > MOST_PAIRS:
        yield old, new
        return
    for _what, start, end, first, last in SequenceMatcher(str.isspace, before, after, autojunk=False).get_opcodes():
        yield "".join(before[start:end]), "".join(after[first:last])


def around_changes(pieces: list[Piece]) -> list[Piece]:
    """Shorten long stretches without changes."""
    return [
        Piece("same", f"{each.text[:CONTEXT]} … {each.text[-CONTEXT:]}")
        if each.change == "same" and len(each.text) > 3 * CONTEXT
        else each
        for each in pieces
    ]
