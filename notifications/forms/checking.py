"""Checks the values of an answer against the form of its task, by JSON Schema."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from notifications.forms import definition, keywords, patterns
from notifications.forms.faults import Fault
from notifications.forms.fields import Field, Form
from notifications.types import Json
from notifications.wording.plaintext import clean, clean_line
from wfpush.identifiers import parse_uuid

CENTS = Decimal("0.01")


def normal(form: Form, values: Json) -> Json:
    """Return the values in the form for the record. Texts lose invisible characters, numbers the noise of binary
    fractions. Empty values, and values of fields that are not asked, are left out."""
    filled = {}
    fields = {field.name: field for field in form}
    for name, value in values.items():
        field = fields.get(name)
        value = _normal(field, value) if field is not None else value
        # A table without rows is an answer if its default has some.
        rows_removed = value == [] and field is not None and field.kind == "rows" and field.default is not None
        if value not in (None, "", []) or rows_removed:
            filled[name] = value
    return {name: value for name, value in filled.items() if name not in fields or fields[name].is_asked(filled)}


def _normal(field: Field, value: Any) -> Any:
    if field.kind == "rows" and isinstance(value, list):
        return [_normal_row(field, row) if isinstance(row, dict) else row for row in value]
    if field.has_files and isinstance(value, list):
        return list(dict.fromkeys(str(parse_uuid(each) or each) if isinstance(each, str) else each for each in value))
    if isinstance(value, str) and field.kind in ("text", "long_text"):
        return clean(value) if field.kind == "long_text" else clean_line(value)
    if isinstance(value, float):
        number = keywords.as_number(value)
        return value if number is None else number
    return value


def _normal_row(table: Field, row: Json) -> Json:
    columns = {column.name: column for column in table.columns}
    cells = {name: _normal(columns[name], value) if name in columns else value for name, value in row.items()}
    return {name: value for name, value in cells.items() if value not in (None, "")}


def faults_of(form: Form, values: Json) -> list[Fault]:
    """Return at most one fault of each field and of each cell of a table, in the order of the form. `values` come from
    `normal`."""
    faults: list[Fault] = []
    for field in form:
        fault = _fault_of(field, values)
        faults += [fault] if fault is not None else []
        if field.kind == "rows" and isinstance(values.get(field.name), list):
            faults += _faults_of_cells(field, values[field.name])
    return faults


def _faults_of_cells(table: Field, rows: list[Any]) -> Iterator[Fault]:
    """Yield the faults of a table's cells. An empty row lacks its first column."""
    for at, row in enumerate(rows):
        for number, column in enumerate(table.columns):
            if not isinstance(row, dict):
                continue
            lacks = column.name not in row and (column.required or (not row and number == 0))
            fault = Fault(column, _missing(column)) if lacks else _fault_of(column, row)
            if fault is not None:
                yield replace(fault, table=table, row=at)


def _fault_of(field: Field, values: Json) -> Fault | None:
    if field.name not in values or (field.required and values[field.name] == []):
        return Fault(field, _missing(field)) if field.required and field.is_asked(values) else None
    return next(_faults(field, values[field.name]), None)


def _missing(field: Field) -> str:
    return MISSING.get(field.kind, "required")


MISSING = {
    "choice": "required_choice",
    "yes_no": "required_choice",
    "choices": "required_choices",
    "rows": "required_rows",
    "files": "required_files",
    "photo": "required_photo",
    "signature": "required_signature",
}


def _faults(field: Field, value: Any) -> Iterator[Fault]:
    """Yield the faults of a value, those of its type first."""
    if field.kind == "rows":
        yield from _faults_of_rows(field, value)
        return
    errors = _Validator(field.schema, format_checker=_FORMATS).iter_errors(value)
    for error in sorted(errors, key=lambda each: ORDER.index(str(each.validator))):
        yield _of_schema(field, error)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if keywords.as_number(value) is None:
            yield Fault(field, "type")
        elif field.kind == "money" and not _is_multiple(value, CENTS):
            yield Fault(field, "cents")
    if field.has_files and isinstance(value, list):
        if not all(isinstance(each, str) and parse_uuid(each) for each in value):
            yield Fault(field, "type")
        elif len(value) > field.most_files:
            yield Fault(field, "maxItems", {"most": field.most_files})
    if isinstance(value, str) and len(value) > longest(field):
        yield Fault(field, "maxLength", {"most": longest(field)})


def _faults_of_rows(field: Field, value: Any) -> Iterator[Fault]:
    """Yield the faults of the table as a whole: its type, too few rows, or too many."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        yield Fault(field, "type")
    elif len(value) < field.least_rows:
        yield Fault(field, *(("minRows", {"least": field.least_rows}) if field.least_rows > 1 else ("required_rows",)))
    elif len(value) > field.most_rows:
        yield Fault(field, "maxRows", {"most": field.most_rows})


def longest(field: Field) -> int:
    """Return the most characters that a text may have."""
    most = patterns.MOST_TEXT if "pattern" in field.schema else definition.MOST_TEXT
    return int(field.schema.get("maxLength", most))


ORDER = (
    *("enum", "oneOf", "type", "format", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "formatMinimum", "formatMaximum", "minItems", "maxItems", "uniqueItems"),
)
"""Keywords in the order in which their faults are named, as in browsers (static/wfpush/values.js)."""

LIMITS = {
    "minimum": "least",
    "exclusiveMinimum": "least",
    "minLength": "least",
    "minItems": "least",
    "formatMinimum": "least",
    "maximum": "most",
    "exclusiveMaximum": "most",
    "maxLength": "most",
    "maxItems": "most",
    "formatMaximum": "most",
    "multipleOf": "step",
}
"""Keywords whose sentences have a limit, and the name of its placeholder there."""


def _of_schema(field: Field, error: ValidationError) -> Fault:
    keyword = str(error.validator)
    if keyword in LIMITS:
        return Fault(field, keyword, {LIMITS[keyword]: error.validator_value})
    if keyword == "type" and field.whole and isinstance(error.instance, float):
        return Fault(field, "whole")
    if keyword == "format":
        return Fault(field, "date", {})
    return Fault(field, {"enum": "choice", "oneOf": "choice", "pattern": "pattern"}.get(keyword, "type"))


# --- keywords that jsonschema checks differently, or not at all -------------------------------------------------------
def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Check the keyword in decimals: 0.07 is a multiple of 0.01."""
    if validator.is_type(instance, "number") and not _is_multiple(instance, Decimal(str(step))):
        yield ValidationError(f"{instance} is no multiple of {step}")


def _is_multiple(value: float, step: Decimal) -> bool:
    try:
        return Decimal(str(value)) % step == 0
    except InvalidOperation:
        return False


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Match with ASCII letters and digits, as browsers do. Texts over the length limit are refused unread."""
    if validator.is_type(instance, "string") and not (
        len(instance) <= patterns.MOST_TEXT and patterns.fits(pattern, instance)
    ):
        yield ValidationError("it does not fit")


def _earliest(validator: Any, least: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if keywords.as_day(instance) == instance and instance < least:
        yield ValidationError("it is too early")


def _latest(validator: Any, most: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if keywords.as_day(instance) == instance and instance > most:
        yield ValidationError("it is too late")


_Validator = validators.extend(
    Draft202012Validator,
    {"multipleOf": _multiple_of, "pattern": _pattern, "formatMinimum": _earliest, "formatMaximum": _latest},
)
_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date")(lambda value: not isinstance(value, str) or keywords.as_day(value) == value)
