"""The rules for `task.form`: docs/api/forms.md, "Forms". Each fault has a JSON pointer (RFC 6901).

Unsupported keywords of JSON Schema are refused: a rule that nobody checks would be a promise that nobody keeps.
"""

import json
from functools import partial
from typing import Any

from notifications.forms import patterns
from notifications.forms.keywords import (
    MOST_CHOICES,
    MOST_TITLE,
    Check,
    Say,
    count_to,
    day,
    enum,
    flag,
    members,
    names_in,
    nothing,
    number,
    one_of,
    pattern,
    step,
    text_of,
    titled,
    words_of,
)
from notifications.models.validators import MAX_NAME, OURS, may_be_declared
from notifications.types import Json, object_in
from wfpush.web.pointers import MAX_ERRORS, pointer

MOST_FIELDS = 40
MOST_BYTES = 16 * 1024
"""Bytes of a form as JSON."""
MOST_HELP = 500
MOST_TEXT = 4_000
"""Characters of a text that somebody writes into a field."""
MOST_ACTION = 60
MOST_FILES = 10
"""Files of one field."""
MOST_ROWS, MOST_COLUMNS = 50, 8
MOST_CELLS = 600
"""Cells of all tables of a form at their largest: browsers send no more than about a thousand fields."""

Faults = list[dict[str, str]]
Rules = dict[str, dict[str, Check]]
"""The checks of a field's keywords, by type and keyword."""

FILE_KINDS = ("files", "photo", "signature")
KINDS = {"string": ("long_text",), "number": ("money",), "integer": ("money",)}
"""The values of `ui.kind` that a field may have, by its schema's type."""


def is_form(value: Any) -> bool:
    """Return whether a value is a form without faults."""
    faults: Faults = []
    check(value, "", faults)
    return not faults


def check(value: Any, here: str, faults: Faults) -> None:
    """Add the faults of a form to `faults`."""

    def say(where: str, detail: str) -> None:
        if len(faults) < MAX_ERRORS:
            faults.append({"pointer": where, "detail": detail})

    if not isinstance(value, dict) or not isinstance(value.get("schema"), dict):
        say(here, "Write an object with `schema`, a JSON Schema, and perhaps `ui`.")
        return
    if len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) > MOST_BYTES:
        say(here, f"A form has at most {MOST_BYTES // 1024} KiB.")
        return
    if not value["schema"].get("properties") and not object_in(value, "ui").get("unshown"):
        say(f"{here}/schema/properties", "Name the form's fields here.")
        return
    members(value, {"schema": _schema, "ui": nothing}, here, say)
    properties = object_in(value["schema"], "properties")
    if sum(_cells(schema) for schema in properties.values()) > MOST_CELLS:
        say(f"{here}/schema/properties", f"All tables together have at most {MOST_CELLS} cells. Write a `maxItems`.")
    if value.get("ui") is not None:
        _ui(value["ui"], properties, f"{here}/ui", say)


# --- the schema -------------------------------------------------------------------------------------------------------
def _schema(schema: Any, here: str, say: Say) -> None:
    checks: dict[str, Check] = {
        "type": one_of("object"),
        "properties": partial(_properties, MOST_FIELDS, "fields", RULES),
        "required": nothing,
        "title": text_of(MOST_TITLE),
        "description": text_of(MOST_HELP),
        "additionalProperties": flag,
    }
    members(schema, checks, here, say, what="keyword")
    _required(schema, here, say)


def _required(schema: Json, here: str, say: Say) -> None:
    properties, required = schema.get("properties"), schema.get("required")
    if required is None or not isinstance(properties, dict):
        return
    if not isinstance(required, list):
        say(f"{here}/required", "Write a list.")
        return
    for at, name in enumerate(required):
        if not isinstance(name, str) or name not in properties:
            say(pointer(f"{here}/required", at), "This names no field of the form.")


def _properties(most: int, what: str, rules_by_type: Rules, properties: Any, here: str, say: Say) -> None:
    """Check the fields of a form, or the columns of a table."""
    if not isinstance(properties, dict) or len(properties) > most:
        say(here, f"Name at most {most} {what}.")
        return
    for name, schema in properties.items():
        where = pointer(here, name)
        if not may_be_declared(name):
            say(where, f"Name a field as a variable: at most {MAX_NAME} letters or digits, not beginning with {OURS}.")
        _field(schema, where, say, rules_by_type)


def _field(schema: Any, here: str, say: Say, rules_by_type: Rules) -> None:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if not isinstance(kind, str) or kind not in rules_by_type:
        say(f"{here}/type", f"Write one of {', '.join(rules_by_type)}.")
        return
    if kind == "array" and not isinstance(schema.get("items"), dict):
        say(f"{here}/items", 'Name choices, {"enum": […]}, the columns of rows, or {"format": "uuid"} for files.')
        return
    before: list[str] = []

    def note(where: str, detail: str) -> None:
        before.append(where)
        say(where, detail)

    rules = ROWS if is_rows(schema) else FILES if is_files(schema) else rules_by_type[kind]
    members(schema, rules, here, note, what=f"keyword of {kind}")
    if before:
        return
    for least, most in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"), FORMAT_RANGE):
        if least in schema and most in schema and schema[least] > schema[most]:
            say(f"{here}/{least}", f"{least} is greater than {most}.")
    if schema.get("format") is None and any(name in schema for name in FORMAT_RANGE):
        say(f"{here}/format", "A range of days needs the format date.")
    if "pattern" in schema and schema.get("maxLength", patterns.MOST_TEXT) > patterns.MOST_TEXT:
        say(f"{here}/maxLength", f"Text that has to fit a pattern has at most {patterns.MOST_TEXT} characters.")


FORMAT_RANGE = ("formatMinimum", "formatMaximum")


def _items(value: Any, here: str, say: Say) -> None:
    members(value, {"type": one_of("string", "number", "integer"), "enum": enum, "oneOf": titled}, here, say)
    if isinstance(value, dict) and "enum" not in value and "oneOf" not in value:
        say(here, 'Name what can be chosen: {"enum": […]}.')


# --- files ------------------------------------------------------------------------------------------------------------
def is_files(schema: Json) -> bool:
    """Return whether a field asks for files: its value lists their ids."""
    return schema.get("type") == "array" and object_in(schema, "items").get("format") == "uuid"


def _id(value: Any, here: str, say: Say) -> None:
    members(value, {"type": one_of("string"), "format": one_of("uuid")}, here, say)


# --- rows -------------------------------------------------------------------------------------------------------------
def is_rows(schema: Json) -> bool:
    """Return whether a field is a table of rows."""
    return schema.get("type") == "array" and object_in(schema, "items").get("type") == "object"


def _cells(schema: Any) -> int:
    if not isinstance(schema, dict) or not is_rows(schema):
        return 0
    most = schema.get("maxItems")
    return len(object_in(schema["items"], "properties")) * (most if isinstance(most, int) else MOST_ROWS)


def _row(value: Any, here: str, say: Say) -> None:
    checks: dict[str, Check] = {
        "type": one_of("object"),
        "properties": partial(_properties, MOST_COLUMNS, "columns", COLUMNS),
        "required": nothing,
        "title": text_of(MOST_TITLE),
        "additionalProperties": flag,
    }
    members(value, checks, here, say, what="keyword")
    if not value.get("properties"):
        say(f"{here}/properties", "Name the columns here.")
    _required(value, here, say)


# --- the keywords of fields -------------------------------------------------------------------------------------------
WORDS: dict[str, Check] = {
    "type": nothing,
    "title": text_of(MOST_TITLE),
    "description": text_of(MOST_HELP),
    "default": nothing,
}
CHOICES: dict[str, Check] = {"enum": enum, "oneOf": titled}
NUMBER: dict[str, Check] = {
    "minimum": number,
    "maximum": number,
    "exclusiveMinimum": number,
    "exclusiveMaximum": number,
    "multipleOf": step,
}
RULES: Rules = {
    "string": {
        **WORDS,
        **CHOICES,
        "minLength": count_to(MOST_TEXT),
        "maxLength": count_to(MOST_TEXT),
        "pattern": pattern,
        "format": one_of("date"),
        "formatMinimum": day,
        "formatMaximum": day,
    },
    "number": {**WORDS, **CHOICES, **NUMBER},
    "integer": {**WORDS, **CHOICES, **NUMBER},
    "boolean": WORDS,
    "array": {
        **WORDS,
        "items": _items,
        "minItems": count_to(MOST_CHOICES),
        "maxItems": count_to(MOST_CHOICES),
        "uniqueItems": flag,
    },
}
"""The keywords that a field of each type may have."""
COLUMNS: Rules = {
    type: {name: check for name, check in rules.items() if name != "default"}
    for type, rules in RULES.items()
    if type != "array"
}
"""The keywords of a column. It has no default: with one, an empty row would look as if somebody had filled it in."""
FILES: dict[str, Check] = {
    **{name: check for name, check in WORDS.items() if name != "default"},
    "items": _id,
    "minItems": count_to(MOST_FILES),
    "maxItems": count_to(MOST_FILES),
}
ROWS: dict[str, Check] = {
    **WORDS,
    "items": _row,
    "minItems": count_to(MOST_ROWS),
    "maxItems": count_to(MOST_ROWS),
}


# --- the ui part ------------------------------------------------------------------------------------------------------
def _ui(ui: Any, properties: Json, here: str, say: Say) -> None:
    def fields(value: Any, where: str, say: Say) -> None:
        if not isinstance(value, dict):
            say(where, "Write an object.")
            return
        for name, field in value.items():
            _ui_field(field, object_in(properties, name) if name in properties else None, pointer(where, name), say)
            if isinstance(field, dict) and field.get("when") is not None:
                _when(field["when"], properties, value, f"{pointer(where, name)}/when", say)

    members(
        ui,
        {"order": partial(_order, properties), "fields": fields, "actions": _actions, "unshown": _unshown},
        here,
        say,
    )


def _actions(value: Any, here: str, say: Say) -> None:
    for at, name in enumerate(names_in(value, here, say)):
        if not isinstance(name, str) or not 0 < len(name) <= MOST_ACTION:
            say(pointer(here, at), "Write the name of an action.")


def _unshown(value: Any, here: str, say: Say) -> None:
    """Check the fields that only the engine can show."""
    checks: dict[str, Check] = {"title": words_of(MOST_TITLE), "type": text_of(MOST_TITLE), "required": flag}
    for at, each in enumerate(names_in(value, here, say)):
        members(each, checks, pointer(here, at), say)


def _ui_field(value: Any, schema: Json | None, here: str, say: Say, *, column: bool = False) -> None:
    if schema is None:
        say(here, "This names no field of the form.")
        return

    def choices(labels: Any, where: str, say: Say) -> None:
        if not isinstance(labels, dict):
            say(where, "Write an object with a label for each value.")
            return
        for name, label in labels.items():
            words_of(MOST_TITLE)(label, pointer(where, name), say)

    checks: dict[str, Check] = {
        "title": words_of(MOST_TITLE),
        "help": words_of(MOST_HELP),
        "from": text_of(MOST_TITLE),
        "sensitive": flag,
        "when": nothing,
    }
    if is_rows(schema):
        columns = object_in(object_in(schema, "items"), "properties")
        members(value, {**checks, **_ui_of_rows(columns)}, here, say)
        return
    if is_files(schema):
        del checks["from"]
        members(value, {**checks, "kind": one_of(*FILE_KINDS)}, here, say)
        return
    kinds = KINDS.get(str(schema.get("type")))
    of_one: dict[str, Check] = {
        "kind": one_of(*kinds) if kinds else _no_kind,
        "currency": text_of(10),
        "choices": choices,
    }
    if column:
        of_one |= {"title": checks["title"], "kind": one_of("money") if kinds == ("money",) else _no_kind}
    members(value, of_one if column else {**checks, **of_one}, here, say)


def _ui_of_rows(columns: Json) -> dict[str, Check]:
    def fields(value: Any, here: str, say: Say) -> None:
        for name, column in (value if isinstance(value, dict) else {}).items():
            schema = object_in(columns, name) if name in columns else None
            _ui_field(column, schema, pointer(here, name), say, column=True)
        if not isinstance(value, dict):
            say(here, "Write an object.")

    def total(value: Any, here: str, say: Say) -> None:
        schema = object_in(columns, value) if isinstance(value, str) else {}
        if schema.get("type") not in ("number", "integer") or "enum" in schema or "oneOf" in schema:
            say(here, "Name a column of numbers.")

    return {"kind": one_of("rows"), "columns": fields, "order": partial(_order, columns), "sum": total}


def _order(properties: Json, value: Any, here: str, say: Say) -> None:
    for at, name in enumerate(names_in(value, here, say)):
        if not isinstance(name, str) or name not in properties:
            say(pointer(here, at), "This names no field of the form.")


CONDITIONS = ("is", "is_not", "at_least", "at_most")
"""The comparisons with another field's value that a condition may make."""


def _when(when: Any, properties: Json, fields: Json, here: str, say: Say) -> None:
    checks: dict[str, Check] = {"field": nothing, "is": nothing, "is_not": nothing, "or_empty": flag}
    members(when, {**checks, "at_least": number, "at_most": number}, here, say)
    if not isinstance(when, dict):
        return
    name = when.get("field")
    if not isinstance(name, str) or name not in properties:
        say(f"{here}/field", "This names no field of the form.")
    elif object_in(fields, name).get("when") is not None:
        say(f"{here}/field", "This field has a condition itself. Name one that has none.")
    elif is_rows(object_in(properties, name)):
        say(f"{here}/field", "This is a table. Name another field.")
    elif is_files(object_in(properties, name)):
        say(f"{here}/field", "This is a field of files. Name another one.")
    if sum(each in when for each in CONDITIONS) != 1:
        say(here, f"Write one of {', '.join(CONDITIONS)}.")
    if "or_empty" in when and not ("at_least" in when or "at_most" in when):
        say(f"{here}/or_empty", "This goes with at_least and at_most.")


def _no_kind(value: Any, here: str, say: Say) -> None:
    say(here, "Fields of this type have one kind only.")
