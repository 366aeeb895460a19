"""The faults of values as sentences in the active language: the same for pages, scripts and programs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.forms.fields import Field, Kind
from notifications.forms.keywords import as_day
from notifications.wording import formats

TEXTS: dict[str, str | Promise] = {
    "required": _("Fill this in."),
    "required_choice": _("Choose one."),
    "required_choices": _("Choose at least one."),
    "required_rows": _("Fill in at least one row."),
    "required_files": _("Attach at least one file."),
    "required_photo": _("Take or choose at least one photo."),
    "required_signature": _("Sign, or write your name."),
    "files_gone": _("A file is not there any more, or was sent already. Choose it again."),
    "no_picture": _("One of these is not a picture."),
    "not_taken": "{why}",
    "number": _("Enter a number, such as {example}."),
    "ambiguous": _("Is it {one} or {other}? Write it unambiguously."),
    "whole": _("Enter a whole number."),
    "minimum": _("Enter {least} or more."),
    "maximum": _("Enter {most} or less."),
    "exclusiveMinimum": _("Enter more than {least}."),
    "exclusiveMaximum": _("Enter less than {most}."),
    "multipleOf": _("Enter a multiple of {step}."),
    "cents": _("Enter an amount with two decimal places at most."),
    "minLength": _("Enter at least {least} characters."),
    "maxLength": _("Shorten it to {most} characters."),
    "pattern": _("This does not have the required format."),
    "date": _("Enter a day, such as 2026-11-30."),
    "formatMinimum": _("Choose {least} or a later day."),
    "formatMaximum": _("Choose {most} or an earlier day."),
    "choice": _("This is not one of the choices."),
    "minItems": _("Choose at least {least}."),
    "maxItems": _("Choose at most {most}."),
    "minRows": _("Fill in at least {least} rows."),
    "maxRows": _("Fill in no more rows than {most}."),
    "type": _("This is not the required kind of value."),
}
"""The sentences by the fault's code, which mostly is the keyword of JSON Schema that was violated."""

ROW = _("Row {row}")
SUM = _("Sum of the column “{column}”: {sum}")

COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minRows", "maxRows"})
"""Codes whose limits are counts, whatever the kind of the field."""


@dataclass(frozen=True)
class Fault:
    """A fault of a field's value. `arguments` are the numbers and days in the sentence. A fault in a table has its
    `table` and the `row`, counted from 0; `field` is then the column."""

    field: Field
    code: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    table: Field | None = None
    row: int = 0

    @property
    def path(self) -> tuple[str | int, ...]:
        """The path of the faulty value within the values."""
        return (self.table.name, self.row, self.field.name) if self.table else (self.field.name,)

    def where(self, language: str) -> str:
        """Return the label of the place: “Positions, row 2, Price”."""
        label = self.field.label(language)
        if self.table is None:
            return label
        return f"{self.table.label(language)}, {str(ROW).format(row=self.row + 1)}, {label}"

    def words(self, locale: Locale) -> str:
        """Return the sentence in the active language."""
        kind, currency = self.field.kind, self.field.currency
        if self.code in COUNTS:
            kind, currency = "number", ""
        written_arguments = {name: written(value, kind, currency, locale) for name, value in self.arguments.items()}
        return str(TEXTS[self.code]).format(**written_arguments)

    def in_english(self) -> str:
        """Return the sentence in English, for programs."""
        with translation.override("en"):
            return self.words(formats.locale_of("en"))


def written(value: Any, kind: Kind, currency: str, locale: Locale) -> str:
    """Return a field's value as people read it, in the active language."""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        return formats.money(number, currency, locale) if kind == "money" else formats.number(number, locale)
    if kind == "date" and (day := as_day(value)) is not None:
        return formats.day(date.fromisoformat(day), locale)
    return str(value)
