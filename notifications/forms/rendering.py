"""Forms for display: on pages with the typed values and their faults, and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from babel import Locale
from django.utils.translation import gettext_lazy as _

from notifications.forms import definition, recorded_values, typed_input
from notifications.forms.checking import LIMITS, longest
from notifications.forms.faults import ROW, SUM, TEXTS, Fault, written
from notifications.forms.fields import Field, Form, words_in
from notifications.types import Json
from notifications.wording import formats
from notifications.wording.plaintext import clean, clean_line

MAX_RADIO_CHOICES = 5
"""Most choices that are shown beside each other; more are in a list that opens."""

CONDITIONS = {
    "is": _("Only for %(field)s: %(value)s."),
    "is_not": _("Not for %(field)s: %(value)s."),
    "at_least": _("Only for %(field)s from %(value)s on."),
    "at_most": _("Only for %(field)s up to %(value)s."),
}
ON_PAGES = {
    "summary_one": _("One field needs attention. Nothing was sent."),
    "summary": _("{all} fields need attention. Nothing was sent."),
    "optional": _("optional"),
    "yes": _("Yes"),
    "no": _("No"),
    "no_answer": _("No answer"),
    "choose": _("Choose…"),
    "value_now": _("Changed meanwhile, now: {value}"),
    "draft": _("Your entries were restored."),
    "discard": _("Start over"),
    "unshown": _("Not filled in here:"),
    "row": ROW,
    "sum": SUM,
    "attach_one": _("Attach a file"),
    "choose_photo": _("Choose a photo"),
    "sign_here": _("Sign here with a finger or the mouse"),
    "sign_name": _("Or write your name"),
    "clear": _("Clear"),
    "signature": _("signature"),
    "add_row": _("Add a row"),
    "remove_row": _("Remove row {row}"),
    "row_added": _("Row {row} was added."),
    "row_removed": _("Row {row} was removed."),
}


def words_of_forms() -> dict[str, str]:
    """Return the sentences that pages and scripts share, in the active language."""
    return {name: str(text) for name, text in {**TEXTS, **ON_PAGES}.items()}


@dataclass(frozen=True)
class Option:
    """A choice of a field on a page. `value` is the posted text."""

    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class FieldView:
    """One field in the reader's language. `texts` are its current input, `fault` what is wrong with that. `name` is set
    for a cell of a table only."""

    field: Field
    label: str
    help: str
    texts: Sequence[str]
    options: Sequence[Option] = ()
    fault: str = ""
    condition: str = ""
    name: str = ""
    table: "TableView | None" = None
    files: Sequence[Any] = ()
    """Files that the field has already, as pages show them."""

    @property
    def id(self) -> str:
        return f"value-{self.name or self.field.name}"

    @property
    def first_id(self) -> str:
        """The id of the element that gets the focus."""
        if self.table is not None:
            return self.table.first_id
        if self.field.has_files:
            return f"{self.id}-file"
        return self.options[0].id if self.options and self.widget != "select" else self.id

    @property
    def photo(self) -> bool:
        return self.field.kind in ("photo", "signature")

    @property
    def signature(self) -> bool:
        return self.field.kind == "signature"

    @property
    def single(self) -> bool:
        """Return whether a field of files takes one file only."""
        return self.field.most_files == 1

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""

    @property
    def widget(self) -> str:
        match self.field.kind:
            case "choice" | "yes_no" if self.name:
                return "select"
            case "choice":
                return "radio" if len(self.options) <= MAX_RADIO_CHOICES else "select"
            case "yes_no":
                return "radio"
            case "choices":
                return "checkbox"
            case kind:
                return kind

    @property
    def described_by(self) -> str:
        parts = [("help", self.help or self.condition), ("fault", self.fault)]
        return " ".join(f"{self.id}-{name}" for name, text in parts if text)

    @property
    def required(self) -> bool:
        """Return whether browsers may require a value regardless of other fields."""
        return self.field.required and not self.condition and not self.name

    @property
    def longest(self) -> int:
        return longest(self.field)

    @property
    def earliest(self) -> str:
        return str(self.field.schema.get("formatMinimum", ""))

    @property
    def latest(self) -> str:
        return str(self.field.schema.get("formatMaximum", ""))


@dataclass(frozen=True)
class RowView:
    """A row of a table, `number` counted from 1. `spare` rows are empty, for pages whose scripts cannot add rows."""

    id: str
    number: int
    cells: Sequence[FieldView]
    spare: bool

    @property
    def label(self) -> str:
        return str(ROW).format(row=self.number)


@dataclass(frozen=True)
class TableView:
    """A table of rows: its columns, their cells, and the sum of one column."""

    columns: Sequence[FieldView]
    rows: Sequence[RowView]
    sum: str

    @property
    def first_id(self) -> str:
        return self.rows[0].cells[0].id


@dataclass(frozen=True)
class FormView:
    """A form on a page."""

    form: Form
    language: str
    texts: Mapping[str, Sequence[str]] | None = None
    """The typed input by field; None: nothing yet, so the fields show their defaults."""
    faults: Sequence[Fault] = ()
    files: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Stored files by field."""
    focus: bool = False
    """True if the page opens with the focus on the first field."""

    @cached_property
    def locale(self) -> Locale:
        return formats.locale_of(self.language)

    @cached_property
    def fields(self) -> list[FieldView]:
        return [self._view(each) for each in self.form]

    @cached_property
    def _fault_texts(self) -> dict[tuple[str | int, ...], str]:
        return {fault.path: fault.words(self.locale) for fault in reversed(self.faults)}

    @property
    def unshown(self) -> str:
        """The fields that only the engine can show, as one text."""
        return ", ".join(each.words(self.language) for each in self.form.unshown)

    @cached_property
    def faulty(self) -> list[tuple[str, str, str]]:
        """The faults: the id of the element that gets the focus, the label of its field, and the sentence."""
        faults = []
        for each in self.fields:
            faults += [(each.first_id, each.label, each.fault)] if each.fault else []
            for row in each.table.rows if each.table is not None else ():
                faults += [
                    (one.id, f"{each.label}, {row.label}, {one.label}", one.fault) for one in row.cells if one.fault
                ]
        return faults

    @property
    def summary(self) -> str:
        count = len(self.faulty)
        return str(ON_PAGES["summary_one"]) if count == 1 else str(ON_PAGES["summary"]).format(all=count)

    def _view(self, each: Field) -> FieldView:
        texts = self.texts.get(each.name, []) if self.texts is not None else None
        texts = typed_input.texts_of(each, each.default, self.locale) if texts is None else texts
        label, help = clean_line(each.label(self.language)), clean(each.help(self.language))
        options, fault = _options(each, texts, self.language), self._fault_texts.get((each.name,), "")
        table = _table_view(each, self.texts, self._fault_texts, self.language) if each.columns else None
        files = self.files.get(each.name, ())
        return FieldView(each, label, help, texts, options, fault, self._condition(each), table=table, files=files)

    def _condition(self, each: Field) -> str:
        """Return the field's condition in words: “Only for Account: Travel”. Empty: always asked."""
        other = next((field for field in self.form if field.name == each.when.get("field")), None)
        if other is None:
            return ""
        name, operand = next((name, each.when[name]) for name in definition.CONDITIONS if name in each.when)
        labels = {str(choice.value): choice.label(self.language) for choice in other.choices}
        values = [
            labels.get(str(value)) or written(value, other.kind, other.currency, self.locale)
            for value in (operand if isinstance(operand, list) else [operand])
        ]
        arguments = {"field": clean_line(other.label(self.language)), "value": clean_line(", ".join(values))}
        return str(CONDITIONS[name]) % arguments

    @property
    def json(self) -> Json:
        """The form as JSON, for scripts."""
        return form_json(self.form, self.language)

    @property
    def words(self) -> dict[str, str]:
        return words_of_forms()


def _options(each: Field, texts: Sequence[str], language: str) -> list[Option]:
    if each.kind == "yes_no":
        labels = [(value, str(ON_PAGES[value])) for value in typed_input.YES_NO]
    else:
        labels = [(str(choice.value), clean_line(choice.label(language))) for choice in each.choices]
    return [Option(f"value-{each.name}-{at}", value, label, value in texts) for at, (value, label) in enumerate(labels)]


# --- tables -----------------------------------------------------------------------------------------------------------
SPARE = 3
"""Empty rows below the filled ones, for pages without scripts."""


def _table_view(
    table: Field,
    texts: Mapping[str, Sequence[str]] | None,
    fault_texts: Mapping[tuple[str | int, ...], str],
    language: str,
) -> TableView:
    """Return a table's view. `texts` is the typed input, `fault_texts` has sentences by path. Values have no empty
    rows."""
    rows, locale, views, filled = _rows_of(table, texts, language), formats.locale_of(language), [], 0
    shown = max(min(len(rows) + SPARE, table.most_rows), len(rows), 1)
    for at in range(shown):
        row = rows[at] if at < len(rows) else {}
        path, is_empty = (table.name, filled), not any(text.strip() for texts in row.values() for text in texts)
        cells = [
            _cell_view(column, row.get(column.name, []), typed_input.cell_name(table, at, column), language)
            for column in table.columns
        ]
        cells = [
            replace(cell, fault="" if is_empty else fault_texts.get((*path, cell.field.name), "")) for cell in cells
        ]
        spare = at >= max(len(rows), table.least_rows, 1)
        views.append(RowView(f"value-{table.name}.{at}-row", at + 1, cells, spare))
        filled += not is_empty
    columns = [_cell_view(column, [], column.name, language) for column in table.columns]
    return TableView(columns, views, _sum_of(table, rows, locale, language))


def _rows_of(table: Field, texts: Mapping[str, Sequence[str]] | None, language: str) -> list[dict[str, Sequence[str]]]:
    """Return the texts of each row by column: the typed ones, or the defaults."""
    locale = formats.locale_of(language)
    if texts is None:
        defaults = table.default or []
        return [
            {each.name: typed_input.texts_of(each, row.get(each.name), locale) for each in table.columns}
            for row in defaults
        ]
    rows: list[dict[str, Sequence[str]]] = [
        {each.name: texts.get(typed_input.cell_name(table, at, each), []) for each in table.columns}
        for at in range(definition.MOST_ROWS)
    ]
    while rows and not any(text.strip() for texts in rows[-1].values() for text in texts):
        rows.pop()
    return rows


def _cell_view(column: Field, texts: Sequence[str], name: str, language: str) -> FieldView:
    label = clean_line(column.label(language))
    return FieldView(column, label, "", texts, _options(column, texts, language), name=name)


def _sum_of(table: Field, rows: Sequence[Mapping[str, Sequence[str]]], locale: Locale, language: str) -> str:
    column = table.total
    if column is None:
        return ""
    numbers = [typed_input.number_in_field(column, row.get(column.name, []), locale) for row in rows]
    numbered_rows = [{column.name: number} for number in numbers if number is not None]
    return recorded_values.sum_of_rows(numbered_rows, recorded_values.describe_field(column), language)


# --- for programs -----------------------------------------------------------------------------------------------------
def form_json(form: Form, language: str) -> Json:
    """Return the fields with their words in `language`, and the values they begin with. Numbers and days are typed in
    the format of `language`."""
    unshown = [
        {"label": clean_line(words_in(each.title, language)), "type": each.type, "required": each.required}
        for each in form.unshown
    ]
    fields = [_field_json(each, language) for each in form]
    return {"language": language, "fields": fields, **({"unshown": unshown} if unshown else {})}


def _field_json(each: Field, language: str) -> Json:
    rules = {name: each.schema[name] for name in (*LIMITS, "pattern") if name in each.schema}
    choices = [{"value": choice.value, "label": clean_line(choice.label(language))} for choice in each.choices]
    more = {
        "currency": each.currency,
        "whole": each.whole,
        "sensitive": each.sensitive,
        "choices": choices,
        "when": each.when,
        "columns": [_field_json(column, language) for column in each.columns],
        "sum": each.total.name if each.total is not None else "",
        "maxItems": each.most_rows if each.columns else each.most_files if each.has_files else None,
    }
    return {
        "name": each.name,
        "kind": each.kind,
        "label": clean_line(each.label(language)),
        "help": clean(each.help(language)),
        "required": each.required,
        "value": each.default,
        **rules,
        **{name: member for name, member in more.items() if member},
    }
