"""Translates the forms of engines, Camunda's (form-js) and Flowable's, into forms of ours.

A field that cannot be shown here is named with its type, so that people and administrators know of it: tables, people,
and fields that depend on expressions. Decoration is left out. The result always is a form of ours.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from notifications.forms import definition, keywords, patterns
from notifications.types import Json, object_in
from notifications.wording.plaintext import clean_line, cut

MOST_LABEL = 100


@dataclass(frozen=True)
class EngineField:
    """A field of an engine's form. Without `schema` it cannot be shown here. `type` is the engine's own name."""

    name: str
    label: str
    type: str
    required: bool = False
    schema: Json | None = None
    ui: Json = field(default_factory=dict)

    @property
    def unconditional(self) -> "EngineField":
        """This field without its condition, and then not required: for conditions on fields that are not shown."""
        if "when" not in self.ui:
            return self
        ui = {name: member for name, member in self.ui.items() if name != "when"}
        return replace(self, required=False, ui=ui)


def translated(form: Any, variables: Json) -> Any:
    """Return an engine's form as one of ours, and anything else as it is."""
    if not isinstance(form, dict):
        return form
    inner = _inner(form.get("schema"))
    if isinstance(inner, dict) and isinstance(inner.get("components"), list):
        form = inner  # as Camunda 8 wraps it
    if isinstance(form.get("components"), list):
        return assembled(list(_of_camunda(form["components"], variables)))
    for name, read in (("fields", _of_flowable), ("formProperties", _of_properties)):
        if isinstance(form.get(name), list) and "schema" not in form:
            return assembled(list(read(form[name])))
    return form


def is_foreign(form: Any) -> bool:
    """Return whether this is the form of an engine."""
    return translated(form, {}) is not form


def check(value: Any, here: str, faults: definition.Faults) -> None:
    """Add the faults of a form. An engine's own form has none: its fields that cannot be shown are named."""
    if not is_foreign(value):
        definition.check(value, here, faults)


def stored(data: Json) -> Json:
    """Return an event's data for the database, with a form of ours. It lists the order of fields and columns, because
    the database keeps no order of members."""
    task = object_in(data, "task")
    form_in_event = task.get("form")
    if not isinstance(form_in_event, dict):
        return data
    form = translated(form_in_event, object_in(data, "variables"))
    schema, ui = object_in(form, "schema"), object_in(form, "ui")
    tables = {
        name: _ordered(object_in(of, "items"), object_in(object_in(ui, "fields"), name))
        for name, of in object_in(schema, "properties").items()
        if isinstance(of, dict) and definition.is_rows(of)
    }
    fields = {"fields": {**object_in(ui, "fields"), **tables}} if tables else {}
    return {**data, "task": {**task, "form": {**form, "ui": _ordered(schema, {**ui, **fields})}}}


def _ordered(schema: Json, ui: Json) -> Json:
    return {**ui, "order": list(dict.fromkeys([*(ui.get("order") or ()), *object_in(schema, "properties")]))}


def unread(name: str) -> Json:
    """Return a form in place of one that the engine has but did not supply. It names that form as unshown."""
    return assembled([EngineField(name, name, "form")])


def _inner(schema: Any) -> Any:
    if not isinstance(schema, str):
        return schema
    try:
        return json.loads(schema)
    except (ValueError, RecursionError):
        return None


def assembled(fields: Sequence[EngineField]) -> Json:
    """Return a form of as many of these fields as it may have. The others are listed as unshown."""
    form: Json = {"schema": {"type": "object", "properties": {}, "required": []}, "ui": {"order": [], "fields": {}}}
    unshown: list[EngineField] = []
    for each in fields:
        if each.name in form["schema"]["properties"]:
            continue
        if each.schema is None or not (_add_field(form, each) or _add_field(form, each.unconditional)):
            unshown.append(each)
    if unshown:
        form["ui"]["unshown"] = [
            {
                "title": cut(clean_line(each.label or each.name), MOST_LABEL),
                "type": cut(clean_line(each.type), 40),
                "required": each.required,
            }
            for each in unshown[: definition.MOST_FIELDS]
        ]
    while len(json.dumps(form, ensure_ascii=False).encode("utf-8", "replace")) > definition.MOST_BYTES:
        form["ui"]["unshown"].pop()
    return form


def _add_field(form: Json, each: EngineField) -> bool:
    """Add a field to the form, unless the form would then have faults. Return whether it was added."""
    schema, ui = form["schema"], form["ui"]
    wider = {
        "schema": {
            **schema,
            "properties": {**schema["properties"], each.name: each.schema},
            "required": [*schema["required"], *([each.name] if each.required else [])],
        },
        "ui": {"order": [*ui["order"], each.name], "fields": {**ui["fields"], each.name: each.ui}},
    }
    if not definition.is_form(wider):
        return False
    form |= wider
    return True


# --- shared by Camunda and Flowable -----------------------------------------------------------------------------------
def _text(value: Any) -> str:
    """Return the value if it is a text and no expression, else an empty text."""
    return "" if not isinstance(value, str) or value.startswith("=") else value


def _objects(value: Any) -> list[Json]:
    """Return the objects in a list; an empty list for any other value."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _rules(**rules: Any) -> Json:
    """Return the rules that have a value."""
    return {name: value for name, value in rules.items() if value not in (None, "")}


def _words(label: str, default: Any) -> Json:
    return _rules(title=cut(clean_line(label), keywords.MOST_TITLE), default=default)


def _count(value: Any) -> int | None:
    number = keywords.as_number(value, whole=True)
    return min(int(number), definition.MOST_TEXT) if number is not None and number >= 0 else None


def _of_text(limits: Json, pattern: Any) -> Json:
    """Return the schema of a text. `limits` may have minLength and maxLength. A pattern limits the length, too."""
    rules = _rules(minLength=_count(limits.get("minLength")), maxLength=_count(limits.get("maxLength")))
    if _text(pattern):
        rules |= {"pattern": pattern, "maxLength": min(rules.get("maxLength", patterns.MOST_TEXT), patterns.MOST_TEXT)}
    return {"type": "string", **rules}


def _choices(values: Sequence[tuple[Any, str]]) -> Json | None:
    """Return the schema that offers these values with their labels; None if there are none."""
    options = [{"const": value, **({"title": label} if label else {})} for value, label in values if value is not None]
    if not options:
        return None
    numbers = all(isinstance(each["const"], int | float) for each in options)
    return {"type": "number" if numbers else "string", "oneOf": options}


def _files(*, many: bool) -> Json:
    return {"type": "array", "items": {"type": "string", "format": "uuid"}, **({} if many else {"maxItems": 1})}


# --- Camunda (form-js) ------------------------------------------------------------------------------------------------
DECORATION = frozenset({"text", "html", "image", "spacer", "separator", "button", "iframe", "expression", "table"})
EMAIL = r"^[^@ ]+@[^@ ]+\.[^@ ]+$"


def _of_camunda(components: Any, variables: Json, path: str = "") -> Iterator[EngineField]:
    for component in _objects(components):
        kind = component.get("type")
        if not isinstance(kind, str) or kind in DECORATION or component.get("disabled") or component.get("readonly"):
            continue
        if kind == "group":
            inside = _objects(component.get("components"))
            yield from _of_camunda(inside, variables, _text(component.get("path")) or path)
            continue
        name = str(component.get("key") or component.get("path") or component.get("id") or kind)
        label = _text(component.get("label")) or _text(component.get("dateLabel")) or name
        rules = object_in(component, "validate")
        condition, required = object_in(component, "conditional").get("hide"), rules.get("required") is True
        when = _shown_when(condition)
        required = required and (not condition or bool(when))
        schema, ui = (None, {}) if path else _component(kind, component, rules, variables)
        if schema is not None:
            schema |= _words(label, component.get("defaultValue") if kind != "filepicker" else None)
            ui |= _rules(help=cut(_text(component.get("description")), definition.MOST_HELP), when=when)
        yield EngineField(f"{path}.{name}" if path else name, label, kind, required, schema, ui)


HIDDEN = re.compile(r"""=\s*([A-Za-z_]\w*)\s*(=|!=|<|>)\s*("[^"\\]*"|-?\d+(?:\.\d+)?|true|false)\s*""", re.ASCII)
SHOWN = {"=": "is_not", "!=": "is", "<": "at_least", ">": "at_most"}


def _shown_when(hidden: Any) -> Json | None:
    """Return the condition for asking a field that form-js hides on `hidden`. It is read from a comparison of one field
    with a value; None for all other expressions of FEEL."""
    comparison = HIDDEN.fullmatch(hidden.strip()) if isinstance(hidden, str) else None
    if comparison is None:
        return None
    unknown = {"or_empty": True} if comparison[2] in "<>" else {}  # an empty value is neither less nor more: not hidden
    return {"field": comparison[1], SHOWN[comparison[2]]: json.loads(comparison[3]), **unknown}


def _component(kind: str, component: Json, rules: Json, variables: Json) -> tuple[Json | None, Json]:
    """Return the schema and ui of a component; no schema for one that cannot be shown."""
    match kind:
        case "textfield" | "textarea":
            email = rules.get("validationType") == "email"
            ui = {"kind": "long_text"} if kind == "textarea" else {}
            return _of_text(rules, rules.get("pattern") or (EMAIL if email else "")), ui
        case "number" if not component.get("serializeToString"):
            return _of_number(component, rules), {}
        case "checkbox":
            return {"type": "boolean", "default": False}, {}
        case "datetime" if component.get("subtype", "date") == "date":
            return {"type": "string", "format": "date"}, {}
        case "radio" | "select":
            return _choices(_options(component, variables)), {}
        case "checklist" | "taglist":
            choices = _choices(_options(component, variables))
            return ({"type": "array", "items": choices} if choices else None), {}
        case "dynamiclist":
            return _rows_of_camunda(component, variables)
        case "filepicker":
            accept = str(component.get("accept") or "")
            pictures = accept.startswith("image/") and "," not in accept
            return _files(many=component.get("multiple") is True), {"kind": "photo" if pictures else "files"}
    return None, {}


def _rows_of_camunda(component: Json, variables: Json) -> tuple[Json | None, Json]:
    """Return the schema and ui of a list; no schema if one of its columns cannot be shown, and would be lost."""
    components = _objects(component.get("components"))
    fields = list(_of_camunda(components, variables))
    fixed = any(each.get("readonly") for each in components)
    if fixed or not fields or any(each.schema is None or each.ui.get("kind") for each in fields):
        return None, {}
    columns = {
        each.name: {name: rule for name, rule in (each.schema or {}).items() if name != "default"} for each in fields
    }
    needed = [each.name for each in fields if each.required and "when" not in each.ui]
    schema: Json = {"type": "array", "items": {"type": "object", "properties": columns, "required": needed}}
    if component.get("allowAddRemove") is False:
        current = variables.get(str(component.get("path")))
        count = len(current) if isinstance(current, list) else _count(component.get("defaultRepetitions")) or 0
        schema |= {"minItems": count, "maxItems": count}
    return schema, {"kind": "rows", "order": list(columns)}


def _of_number(component: Json, rules: Json) -> Json:
    digits = _count(component.get("decimalDigits"))
    limits = {"minimum": rules.get("min"), "maximum": rules.get("max")}
    bounds = _rules(**{name: keywords.as_number(value) for name, value in limits.items()})
    if digits == 0:
        return {"type": "integer", **bounds}
    return {"type": "number", **bounds, **({"multipleOf": 10**-digits} if digits and digits <= 10 else {})}


def _options(component: Json, variables: Json) -> list[tuple[Any, str]]:
    """Return values with their labels, from the form or from the variable that it names; empty for expressions."""
    values = component.get("values")
    if not isinstance(values, list):
        values = variables.get(str(component.get("valuesKey")))
    options = []
    for each in values if isinstance(values, list) else []:
        value = each.get("value") if isinstance(each, dict) else each
        options.append((value, _text(each.get("label")) if isinstance(each, dict) else ""))
    return options


# --- Flowable ---------------------------------------------------------------------------------------------------------
PLAIN = frozenset({"expression", "headline", "headline-with-line", "spacer", "horizontal-line", "hyperlink"})
SCALARS = {
    "integer": {"type": "integer"},
    "long": {"type": "integer"},
    "decimal": {"type": "number"},
    "double": {"type": "number"},
    "amount": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}


def _of_flowable(fields: Any) -> Iterator[EngineField]:
    """Yield the fields of a form model of Flowable's form engine."""
    for form_field in _objects(fields):
        kind = form_field.get("type")
        if not isinstance(kind, str) or kind in PLAIN or form_field.get("readOnly"):
            continue
        if kind == "container":
            inside = form_field.get("fields")
            rows = list(inside.values()) if isinstance(inside, dict) else inside
            for row in rows if isinstance(rows, list) else []:
                yield from _of_flowable(row if isinstance(row, list) else [row])
            continue
        name = str(form_field.get("id") or kind)
        label, required = _text(form_field.get("name")) or name, form_field.get("required") is True
        schema, ui = _flowable_field(kind, form_field)
        if schema is not None:
            schema = {**schema, **_words(label, form_field.get("value") if kind != "upload" else None)}
            ui |= _rules(help=cut(_text(form_field.get("placeholder")), definition.MOST_HELP))
        yield EngineField(name, label, kind, required, schema, ui)


def _flowable_field(kind: str, form_field: Json) -> tuple[Json | None, Json]:
    params = object_in(form_field, "params")
    if kind in ("text", "multi-line-text"):
        ui = {"kind": "long_text"} if kind == "multi-line-text" else {}
        return _of_text(params, params.get("regexPattern")), ui
    if kind == "upload":
        return _files(many=params.get("multiple") in (True, "true")), {"kind": "files"}
    if kind in ("radio-buttons", "dropdown"):
        choices = _objects(form_field.get("options"))
        if form_field.get("hasEmptyValue") is True:
            choices = choices[1:]  # the first one says “please choose”
        return _choices([(each.get("name") or each.get("id"), "") for each in choices]), {}
    ui = {"kind": "money", **_rules(currency=_text(params.get("currency"))[:10])} if kind == "amount" else {}
    return SCALARS.get(kind), ui


def _of_properties(properties: Any) -> Iterator[EngineField]:
    """Yield the fields of the process's own form properties (form-data)."""
    for form_property in _objects(properties):
        if form_property.get("writable") is False or not form_property.get("id"):
            continue
        name, kind = str(form_property["id"]), str(form_property.get("type") or "string")
        label = _text(form_property.get("name")) or name
        schema = {"type": "string"} if kind == "string" else SCALARS.get(kind)
        if kind == "enum":
            choices = _objects(form_property.get("enumValues"))
            schema = _choices([(each.get("id"), _text(each.get("name"))) for each in choices])
        if schema is not None:
            schema = {**schema, **_words(label, form_property.get("value"))}
        yield EngineField(name, label, kind, form_property.get("required") is True, schema)
