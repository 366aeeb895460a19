"""Checks the values of an answer against the form of its task, by JSON Schema."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from notifications.forms import definition, patterns
from notifications.forms.faults import Fault
from notifications.forms.fields import Field, Form
from notifications.types import Json
from notifications.wording.plaintext import clean, clean_line

CENTS = Decimal("0.01")


def normal(form: Form, said: Json) -> Json:
    """The values as they are recorded: texts without what nobody sees, whole numbers without a fraction, and nothing
    for what is empty, or not asked under the circumstances."""
    found = {}
    known = {field.name: field for field in form}
    for name, value in said.items():
        value = _normal(known[name], value) if name in known else value
        if value not in (None, "", []):
            found[name] = value
    return {name: value for name, value in found.items() if name not in known or known[name].is_asked(found)}


def _normal(field: Field, value: Any) -> Any:
    if isinstance(value, str) and field.kind in ("text", "long_text"):
        return clean(value) if field.kind == "long_text" else clean_line(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def faults_of(form: Form, values: Json) -> list[Fault]:
    """One fault at most of each field, in the order of the form. `values`: as `normal` makes them."""
    found = (_fault_of(field, values) for field in form)
    return [fault for fault in found if fault is not None]


def _fault_of(field: Field, values: Json) -> Fault | None:
    if field.name not in values:
        return Fault(field, _missing(field)) if field.required and field.is_asked(values) else None
    return next(_faults(field, values[field.name]), None)


def _missing(field: Field) -> str:
    return {"choice": "required_choice", "yes_no": "required_choice", "choices": "required_choices"}.get(
        field.kind, "required"
    )


def _faults(field: Field, value: Any) -> Iterator[Fault]:
    """What is wrong with a value, the kind of value first."""
    errors = _Validator(field.schema, format_checker=_FORMATS).iter_errors(value)
    for error in sorted(errors, key=lambda each: ORDER.index(str(each.validator))):
        yield _of_schema(field, error)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if definition.as_number(value) is None:
            yield Fault(field, "type")
        elif field.kind == "money" and not _is_multiple(value, CENTS):
            yield Fault(field, "cents")
    if isinstance(value, str) and len(value) > longest(field):
        yield Fault(field, "maxLength", {"most": longest(field)})


def longest(field: Field) -> int:
    """Characters that a text may have."""
    most = patterns.MOST_TEXT if "pattern" in field.schema else definition.MOST_TEXT
    return int(field.schema.get("maxLength", most))


ORDER = (
    *("enum", "oneOf", "type", "format", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "formatMinimum", "formatMaximum", "minItems", "maxItems", "uniqueItems"),
)
"""The same fault is named here and in browsers (static/wfpush/values.js)."""

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
"""Keywords whose sentences name a limit, and as what."""


def _of_schema(field: Field, error: ValidationError) -> Fault:
    keyword = str(error.validator)
    if keyword in LIMITS:
        return Fault(field, keyword, {LIMITS[keyword]: error.validator_value})
    if keyword == "type" and field.whole and isinstance(error.instance, float):
        return Fault(field, "whole")
    if keyword == "format":
        return Fault(field, "date", {})
    return Fault(field, {"enum": "choice", "oneOf": "choice", "pattern": "pattern"}.get(keyword, "type"))


# --- keywords that jsonschema checks otherwise, or not at all ---------------------------------------------------------
def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """In decimals: 0.07 is a multiple of 0.01."""
    if validator.is_type(instance, "number") and not _is_multiple(instance, Decimal(str(step))):
        yield ValidationError(f"{instance} is no multiple of {step}")


def _is_multiple(value: float, step: Decimal) -> bool:
    try:
        return Decimal(str(value)) % step == 0
    except InvalidOperation:
        return False


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Letters and digits are those of ASCII, as in browsers; what is too long is not looked at."""
    if validator.is_type(instance, "string") and not (
        len(instance) <= patterns.MOST_TEXT and patterns.fits(pattern, instance)
    ):
        yield ValidationError("it does not fit")


def _earliest(validator: Any, least: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if definition.as_day(instance) == instance and instance < least:
        yield ValidationError("it is too early")


def _latest(validator: Any, most: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if definition.as_day(instance) == instance and instance > most:
        yield ValidationError("it is too late")


_Validator = validators.extend(
    Draft202012Validator,
    {"multipleOf": _multiple_of, "pattern": _pattern, "formatMinimum": _earliest, "formatMaximum": _latest},
)
_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date")(lambda value: not isinstance(value, str) or definition.as_day(value) == value)
