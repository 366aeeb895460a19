"""What `task.form` may hold: docs/api.md, "Forms". Each fault has a JSON pointer (RFC 6901).

A keyword of JSON Schema that is not read is refused: a rule that nobody checks would be a promise that nobody keeps.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from notifications.forms import patterns
from notifications.models.variable_names import MAX_NAME, OURS, may_be_declared
from notifications.types import Json, object_in
from notifications.wording.formats import LARGEST
from notifications.wording.plaintext import clean_line
from wfpush.web.pointers import MAX_ERRORS, pointer

MOST_FIELDS = 40
MOST_CHOICES = 100
MOST_BYTES = 16 * 1024
"""Of a form as JSON."""
MOST_TITLE, MOST_HELP = 200, 500
MOST_TEXT = 4_000
"""Characters of a text that somebody writes into a field."""
MOST_ACTION = 60

Faults = list[dict[str, str]]
Say = Callable[[str, str], None]
"""Takes a pointer and a sentence."""
Check = Callable[[Any, str, Say], None]

IGNORED = frozenset({"$schema", "$id", "$comment", "examples"})
"""Keywords that change nothing."""
DATE = {"date": "as 2026-11-30"}
KINDS = {"string": ("long_text",), "number": ("money",), "integer": ("money",)}
"""By the schema's type: what `ui.kind` may say."""


def is_form(value: Any) -> bool:
    """Whether it is a form without faults."""
    faults: Faults = []
    check(value, "", faults)
    return not faults


def check(value: Any, here: str, faults: Faults) -> None:
    """Add the faults of a form."""

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
    _members(value, {"schema": _schema, "ui": _nothing}, here, say)
    if value.get("ui") is not None:
        _ui(value["ui"], object_in(value["schema"], "properties"), f"{here}/ui", say)


def _nothing(value: Any, here: str, say: Say) -> None:
    """Checked elsewhere, or free."""


def _members(value: Any, known: Mapping[str, Check], here: str, say: Say, *, what: str = "member") -> None:
    """Check the members of an object; others than these are refused."""
    if not isinstance(value, dict):
        say(here, "Write an object.")
        return
    for name, member in value.items():
        if name in known:
            if member is not None:
                known[name](member, pointer(here, name), say)
        elif name not in IGNORED:
            say(pointer(here, name), f"There is no such {what} in forms. There are {', '.join(sorted(known))}.")


# --- the schema -------------------------------------------------------------------------------------------------------
def _schema(schema: Any, here: str, say: Say) -> None:
    known: dict[str, Check] = {
        "type": _one_of("object"),
        "properties": _properties,
        "required": _nothing,
        "title": _text(MOST_TITLE),
        "description": _text(MOST_HELP),
        "additionalProperties": _flag,
    }
    _members(schema, known, here, say, what="keyword")
    properties, required = schema.get("properties"), schema.get("required")
    if required is None or not isinstance(properties, dict):
        return
    if not isinstance(required, list):
        say(f"{here}/required", "Write a list.")
        return
    for at, name in enumerate(required):
        if not isinstance(name, str) or name not in properties:
            say(pointer(f"{here}/required", at), "This names no field of the form.")


def _properties(properties: Any, here: str, say: Say) -> None:
    if not isinstance(properties, dict) or len(properties) > MOST_FIELDS:
        say(here, f"Name at most {MOST_FIELDS} fields.")
        return
    for name, schema in properties.items():
        where = pointer(here, name)
        if not may_be_declared(name):
            say(
                where,
                f"Name a field as a variable: at most {MAX_NAME} letters or digits, not beginning with {OURS}.",
            )
        _field(schema, where, say)


def _field(schema: Any, here: str, say: Say) -> None:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if not isinstance(kind, str) or kind not in RULES:
        say(f"{here}/type", f"Write one of {', '.join(RULES)}.")
        return
    if kind == "array" and not isinstance(schema.get("items"), dict):
        say(f"{here}/items", 'Name what can be chosen: {"enum": […]}.')
        return
    before: list[str] = []

    def note(where: str, detail: str) -> None:
        before.append(where)
        say(where, detail)

    _members(schema, RULES[kind], here, note, what=f"keyword of {kind}")
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
    _members(value, {"type": _one_of("string", "number", "integer"), "enum": _enum, "oneOf": _titled}, here, say)
    if isinstance(value, dict) and "enum" not in value and "oneOf" not in value:
        say(here, 'Name what can be chosen: {"enum": […]}.')


# --- checks of one value ----------------------------------------------------------------------------------------------
def _one_of(*words: str) -> Check:
    def checked(value: Any, here: str, say: Say) -> None:
        if value not in words:
            say(here, f"Write {' or '.join(words)}.")

    return checked


def _text(most: int) -> Check:
    def checked(value: Any, here: str, say: Say) -> None:
        if not isinstance(value, str) or len(value) > most:
            say(here, f"Write text of at most {most} characters.")

    return checked


def _words(most: int) -> Check:
    """Text, or language to text."""

    def checked(value: Any, here: str, say: Say) -> None:
        texts = value.values() if isinstance(value, dict) and 0 < len(value) <= 20 else [value]
        if not all(isinstance(each, str) and len(each) <= most for each in texts):
            say(here, f"Write text of at most {most} characters, or an object with one for each language.")

    return checked


def _flag(value: Any, here: str, say: Say) -> None:
    if not isinstance(value, bool):
        say(here, "Write true or false.")


def _count(most: int) -> Check:
    def checked(value: Any, here: str, say: Say) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            say(here, f"Write a whole number from 0 to {most:,}.")

    return checked


def _number(value: Any, here: str, say: Say) -> None:
    if as_number(value) is None or isinstance(value, str):
        say(here, f"Write a number below {LARGEST:,}.")


def _step(value: Any, here: str, say: Say) -> None:
    if as_number(value) is None or isinstance(value, str) or value <= 0:
        say(here, "Write a number above 0.")


def _day(value: Any, here: str, say: Say) -> None:
    if as_day(value) != value:
        say(here, "Write a day such as 2026-11-30.")


def _pattern(value: Any, here: str, say: Say) -> None:
    if fault := patterns.fault_of(value):
        say(here, fault)


def _enum(value: Any, here: str, say: Say) -> None:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_CHOICES:
        say(here, f"Name 1 to {MOST_CHOICES} values.")
        return
    seen: set[str] = set()
    for at, each in enumerate(value):
        _choice(each, pointer(here, at), say, seen)


def _titled(value: Any, here: str, say: Say) -> None:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_CHOICES:
        say(here, f"Name 1 to {MOST_CHOICES} values.")
        return
    seen: set[str] = set()
    for at, each in enumerate(value):
        where = pointer(here, at)
        _members(each, {"const": _nothing, "title": _text(MOST_TITLE)}, where, say)
        _choice(each.get("const") if isinstance(each, dict) else None, f"{where}/const", say, seen)


def _choice(value: Any, here: str, say: Say, seen: set[str]) -> None:
    """Pages tell choices apart by their texts."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number and not (isinstance(value, str) and 0 < len(value) <= MOST_TITLE and value == clean_line(value)):
        say(here, f"Write a number, or one line of text of 1 to {MOST_TITLE} characters.")
    elif str(value) in seen:
        say(here, "This value is named twice.")
    seen.add(str(value))


WORDS: dict[str, Check] = {
    "type": _nothing,
    "title": _text(MOST_TITLE),
    "description": _text(MOST_HELP),
    "default": _nothing,
}
CHOICES: dict[str, Check] = {"enum": _enum, "oneOf": _titled}
NUMBER: dict[str, Check] = {
    "minimum": _number,
    "maximum": _number,
    "exclusiveMinimum": _number,
    "exclusiveMaximum": _number,
    "multipleOf": _step,
}
RULES: dict[str, dict[str, Check]] = {
    "string": {
        **WORDS,
        **CHOICES,
        "minLength": _count(MOST_TEXT),
        "maxLength": _count(MOST_TEXT),
        "pattern": _pattern,
        "format": _one_of("date"),
        "formatMinimum": _day,
        "formatMaximum": _day,
    },
    "number": {**WORDS, **CHOICES, **NUMBER},
    "integer": {**WORDS, **CHOICES, **NUMBER},
    "boolean": WORDS,
    "array": {
        **WORDS,
        "items": _items,
        "minItems": _count(MOST_CHOICES),
        "maxItems": _count(MOST_CHOICES),
        "uniqueItems": _flag,
    },
}
"""The keywords that a field of each type may have."""


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

    def order(value: Any, where: str, say: Say) -> None:
        for at, name in enumerate(_list(value, where, say)):
            if not isinstance(name, str) or name not in properties:
                say(pointer(where, at), "This names no field of the form.")

    _members(ui, {"order": order, "fields": fields, "actions": _actions, "unshown": _unshown}, here, say)


def _actions(value: Any, here: str, say: Say) -> None:
    for at, name in enumerate(_list(value, here, say)):
        if not isinstance(name, str) or not 0 < len(name) <= MOST_ACTION:
            say(pointer(here, at), "Write the name of an action.")


def _unshown(value: Any, here: str, say: Say) -> None:
    """Fields that only the engine can show."""
    known: dict[str, Check] = {"title": _words(MOST_TITLE), "type": _text(MOST_TITLE), "required": _flag}
    for at, each in enumerate(_list(value, here, say)):
        _members(each, known, pointer(here, at), say)


def _list(value: Any, here: str, say: Say) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_FIELDS:
        say(here, f"Write a list of at most {MOST_FIELDS} names.")
        return []
    return value


def _ui_field(value: Any, schema: Json | None, here: str, say: Say) -> None:
    if schema is None:
        say(here, "This names no field of the form.")
        return

    def choices(labels: Any, where: str, say: Say) -> None:
        if not isinstance(labels, dict):
            say(where, "Write an object with a label for each value.")
            return
        for name, label in labels.items():
            _words(MOST_TITLE)(label, pointer(where, name), say)

    known: dict[str, Check] = {
        "title": _words(MOST_TITLE),
        "help": _words(MOST_HELP),
        "kind": _one_of(*KINDS.get(str(schema.get("type")), ())) if schema.get("type") in KINDS else _no_kind,
        "currency": _text(10),
        "from": _text(MOST_TITLE),
        "choices": choices,
        "sensitive": _flag,
        "when": _nothing,
    }
    _members(value, known, here, say)


CONDITIONS = ("is", "is_not", "at_least", "at_most")
"""What a condition says of the value of another field."""


def _when(when: Any, properties: Json, fields: Json, here: str, say: Say) -> None:
    known: dict[str, Check] = {"field": _nothing, "is": _nothing, "is_not": _nothing}
    _members(when, {**known, "at_least": _number, "at_most": _number}, here, say)
    if not isinstance(when, dict):
        return
    name = when.get("field")
    if not isinstance(name, str) or name not in properties:
        say(f"{here}/field", "This names no field of the form.")
    elif object_in(fields, name).get("when") is not None:
        say(f"{here}/field", "This field has a condition itself. Name one that has none.")
    if sum(each in when for each in CONDITIONS) != 1:
        say(here, f"Write one of {', '.join(CONDITIONS)}.")


def _no_kind(value: Any, here: str, say: Say) -> None:
    say(here, "Fields of this type have one kind only.")


# --- values -----------------------------------------------------------------------------------------------------------
def as_number(value: Any, *, whole: bool = False) -> int | float | None:
    """The JSON number of a number, or of a text that is one; None for anything else, and outside the limits."""
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= 30 else None
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if whole and isinstance(value, float) else value


def as_day(value: Any) -> str | None:
    """The day of a day or a time in ISO 8601."""
    text = value[:10] if isinstance(value, str) else ""
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None
