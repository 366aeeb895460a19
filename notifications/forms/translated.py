"""Forms of engines as ours: Camunda's (form-js) and Flowable's, as they come from there.

A field that cannot be shown here is named, with its type, so that people and administrators know of it: tables, people,
what depends on expressions. What only decorates a form is left out. The result always is a form of ours.
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
class Asked:
    """A field of an engine's form. Without `schema` it cannot be shown here; `type`: what the engine calls it."""

    name: str
    label: str
    type: str
    required: bool = False
    schema: Json | None = None
    ui: Json = field(default_factory=dict)

    @property
    def unconditional(self) -> "Asked":
        """Always asked, and then not required: for conditions on what is not shown."""
        if "when" not in self.ui:
            return self
        ui = {name: said for name, said in self.ui.items() if name != "when"}
        return replace(self, required=False, ui=ui)


def translated(said: Any, variables: Json) -> Any:
    """The form as ours; what is no engine's form as it is."""
    if not isinstance(said, dict):
        return said
    inner = _inner(said.get("schema"))
    if isinstance(inner, dict) and isinstance(inner.get("components"), list):
        said = inner  # as Camunda 8 wraps it
    if isinstance(said.get("components"), list):
        return assembled(list(_of_camunda(said["components"], variables)))
    for name, read in (("fields", _of_flowable), ("formProperties", _of_properties)):
        if isinstance(said.get(name), list) and "schema" not in said:
            return assembled(list(read(said[name])))
    return said


def is_foreign(said: Any) -> bool:
    """Whether it is the form of an engine."""
    return translated(said, {}) is not said


def unread(name: str) -> Json:
    """For a form that the engine has, and did not give us."""
    return assembled([Asked(name, name, "form")])


def _inner(schema: Any) -> Any:
    if not isinstance(schema, str):
        return schema
    try:
        return json.loads(schema)
    except (ValueError, RecursionError):
        return None


def assembled(asked: Sequence[Asked]) -> Json:
    """A form of these fields, as many as it may have; the others are named."""
    form: Json = {"schema": {"type": "object", "properties": {}, "required": []}, "ui": {"order": [], "fields": {}}}
    unshown: list[Asked] = []
    for each in asked:
        if each.name in form["schema"]["properties"]:
            continue
        if each.schema is None or not (_fits(form, each) or _fits(form, each.unconditional)):
            unshown.append(each)
    if unshown:
        form["ui"]["unshown"] = [_named(each) for each in unshown[: definition.MOST_FIELDS]]
    while len(json.dumps(form, ensure_ascii=False).encode("utf-8", "replace")) > definition.MOST_BYTES:
        form["ui"]["unshown"].pop()
    return form


def _fits(form: Json, each: Asked) -> bool:
    """Add a field to the form, if that is then still one that can be used."""
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


def _named(each: Asked) -> Json:
    label = cut(clean_line(each.label or each.name), MOST_LABEL)
    return {"title": label, "type": cut(clean_line(each.type), 40), "required": each.required}


# --- what both have ---------------------------------------------------------------------------------------------------
def _text(value: Any) -> str:
    """Text that is no expression."""
    return "" if not isinstance(value, str) or value.startswith("=") else value


def _rules(**rules: Any) -> Json:
    """Those that are there, and are numbers or other plain values."""
    return {name: value for name, value in rules.items() if value not in (None, "")}


def _words(label: str, default: Any) -> Json:
    return _rules(title=cut(clean_line(label), keywords.MOST_TITLE), default=default)


def _count(value: Any) -> int | None:
    number = keywords.as_number(value, whole=True)
    return min(int(number), definition.MOST_TEXT) if number is not None and number >= 0 else None


def _of_text(said: Json, pattern: Any) -> Json:
    """`said`: what has minLength and maxLength. A pattern limits the length, too."""
    rules = _rules(minLength=_count(said.get("minLength")), maxLength=_count(said.get("maxLength")))
    if _text(pattern):
        rules |= {"pattern": pattern, "maxLength": min(rules.get("maxLength", patterns.MOST_TEXT), patterns.MOST_TEXT)}
    return {"type": "string", **rules}


def _choices(values: Sequence[tuple[Any, str]]) -> Json | None:
    """The part of a schema that names these; None where there are none."""
    known = [{"const": value, **({"title": label} if label else {})} for value, label in values if value is not None]
    if not known:
        return None
    numbers = all(isinstance(each["const"], int | float) for each in known)
    return {"type": "number" if numbers else "string", "oneOf": known}


def _files(*, many: bool) -> Json:
    return {"type": "array", "items": {"type": "string", "format": "uuid"}, **({} if many else {"maxItems": 1})}


# --- Camunda (form-js) ------------------------------------------------------------------------------------------------
DECORATION = frozenset({"text", "html", "image", "spacer", "separator", "button", "iframe", "expression", "table"})
EMAIL = r"^[^@ ]+@[^@ ]+\.[^@ ]+$"


def _of_camunda(components: Sequence[Any], variables: Json, path: str = "") -> Iterator[Asked]:
    for said in components:
        kind = said.get("type") if isinstance(said, dict) else None
        if not isinstance(kind, str) or kind in DECORATION or said.get("disabled") or said.get("readonly"):
            continue
        if kind == "group":
            inside = said.get("components")
            yield from _of_camunda(
                inside if isinstance(inside, list) else [], variables, _text(said.get("path")) or path
            )
            continue
        name = str(said.get("key") or said.get("path") or said.get("id") or kind)
        label = _text(said.get("label")) or _text(said.get("dateLabel")) or name
        rules = object_in(said, "validate")
        condition, required = object_in(said, "conditional").get("hide"), rules.get("required") is True
        when = _shown_when(condition)
        required = required and (not condition or bool(when))
        schema, ui = (None, {}) if path else _component(kind, said, rules, variables)
        if schema is not None:
            schema |= _words(label, said.get("defaultValue") if kind != "filepicker" else None)
            ui |= _rules(help=cut(_text(said.get("description")), definition.MOST_HELP), when=when)
        yield Asked(f"{path}.{name}" if path else name, label, kind, required, schema, ui)


HIDDEN = re.compile(r"""=\s*([A-Za-z_]\w*)\s*(=|!=|<|>)\s*("[^"\\]*"|-?\d+(?:\.\d+)?|true|false)\s*""", re.ASCII)
SHOWN = {"=": "is_not", "!=": "is", "<": "at_least", ">": "at_most"}


def _shown_when(hidden: Any) -> Json | None:
    """On what a field is asked that is hidden on this: comparisons of one field with a value are read, and no other
    expressions of FEEL."""
    found = HIDDEN.fullmatch(hidden.strip()) if isinstance(hidden, str) else None
    if found is None:
        return None
    unknown = {"or_empty": True} if found[2] in "<>" else {}  # nothing is neither less nor more: it hides no field
    return {"field": found[1], SHOWN[found[2]]: json.loads(found[3]), **unknown}


def _component(kind: str, said: Json, rules: Json, variables: Json) -> tuple[Json | None, Json]:
    """Its schema and ui; no schema for what cannot be shown."""
    match kind:
        case "textfield" | "textarea":
            email = rules.get("validationType") == "email"
            ui = {"kind": "long_text"} if kind == "textarea" else {}
            return _of_text(rules, rules.get("pattern") or (EMAIL if email else "")), ui
        case "number" if not said.get("serializeToString"):
            return _of_number(said, rules), {}
        case "checkbox":
            return {"type": "boolean", "default": False}, {}
        case "datetime" if said.get("subtype", "date") == "date":
            return {"type": "string", "format": "date"}, {}
        case "radio" | "select":
            return _choices(_options(said, variables)), {}
        case "checklist" | "taglist":
            choices = _choices(_options(said, variables))
            return ({"type": "array", "items": choices} if choices else None), {}
        case "dynamiclist":
            return _rows_of_camunda(said, variables)
        case "filepicker":
            pictures = str(said.get("accept") or "").startswith("image/") and "," not in str(said.get("accept"))
            return _files(many=said.get("multiple") is True), {"kind": "photo" if pictures else "files"}
    return None, {}


def _rows_of_camunda(said: Json, variables: Json) -> tuple[Json | None, Json]:
    """A list of rows is shown where all of its columns can be: a part of a row would take the place of all of it."""
    inside = said.get("components")
    components = [each for each in inside if isinstance(each, dict)] if isinstance(inside, list) else []
    asked = list(_of_camunda(components, variables))
    fixed = any(each.get("readonly") for each in components)
    if fixed or not asked or any(each.schema is None or each.ui.get("kind") for each in asked):
        return None, {}
    columns = {
        each.name: {name: rule for name, rule in (each.schema or {}).items() if name != "default"} for each in asked
    }
    needed = [each.name for each in asked if each.required and "when" not in each.ui]
    schema: Json = {"type": "array", "items": {"type": "object", "properties": columns, "required": needed}}
    if said.get("allowAddRemove") is False:
        given = variables.get(str(said.get("path")))
        count = len(given) if isinstance(given, list) else _count(said.get("defaultRepetitions")) or 0
        schema |= {"minItems": count, "maxItems": count}
    return schema, {"kind": "rows", "order": list(columns)}


def _of_number(said: Json, rules: Json) -> Json:
    digits = _count(said.get("decimalDigits"))
    limits = {"minimum": rules.get("min"), "maximum": rules.get("max")}
    known = _rules(**{name: keywords.as_number(value) for name, value in limits.items()})
    if digits == 0:
        return {"type": "integer", **known}
    return {"type": "number", **known, **({"multipleOf": 10**-digits} if digits and digits <= 10 else {})}


def _options(said: Json, variables: Json) -> list[tuple[Any, str]]:
    """As the form has them, or as the variable that it names; of an expression nobody here knows."""
    values = said.get("values")
    if not isinstance(values, list):
        values = variables.get(str(said.get("valuesKey")))
    found = []
    for each in values if isinstance(values, list) else []:
        value = each.get("value") if isinstance(each, dict) else each
        found.append((value, _text(each.get("label")) if isinstance(each, dict) else ""))
    return found


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


def _of_flowable(fields: Sequence[Any]) -> Iterator[Asked]:
    """Of its form engine: the model of a form."""
    for said in fields:
        kind = said.get("type") if isinstance(said, dict) else None
        if not isinstance(kind, str) or kind in PLAIN or said.get("readOnly"):
            continue
        if kind == "container":
            inside = said.get("fields")
            rows = list(inside.values()) if isinstance(inside, dict) else inside
            for row in rows if isinstance(rows, list) else []:
                yield from _of_flowable(row if isinstance(row, list) else [row])
            continue
        name = str(said.get("id") or kind)
        label, required = _text(said.get("name")) or name, said.get("required") is True
        schema, ui = _flowable_field(kind, said)
        if schema is not None:
            schema = {
                **schema,
                **_words(label, said.get("value") if kind != "upload" else None),
            }
            ui |= _rules(help=cut(_text(said.get("placeholder")), definition.MOST_HELP))
        yield Asked(name, label, kind, required, schema, ui)


def _flowable_field(kind: str, said: Json) -> tuple[Json | None, Json]:
    params = object_in(said, "params")
    if kind in ("text", "multi-line-text"):
        ui = {"kind": "long_text"} if kind == "multi-line-text" else {}
        return _of_text(params, params.get("regexPattern")), ui
    if kind == "upload":
        return _files(many=params.get("multiple") in (True, "true")), {"kind": "files"}
    if kind in ("radio-buttons", "dropdown"):
        options = said.get("options")
        known = [each for each in options if isinstance(each, dict)] if isinstance(options, list) else []
        known = known[1:] if said.get("hasEmptyValue") is True else known  # the first one says “please choose”
        return _choices([(each.get("name") or each.get("id"), "") for each in known]), {}
    ui = {"kind": "money", **_rules(currency=_text(params.get("currency"))[:10])} if kind == "amount" else {}
    return SCALARS.get(kind), ui


def _of_properties(properties: Sequence[Any]) -> Iterator[Asked]:
    """Of the process's own form properties (form-data)."""
    for said in properties:
        if not isinstance(said, dict) or said.get("writable") is False or not said.get("id"):
            continue
        name, kind = str(said["id"]), str(said.get("type") or "string")
        label = _text(said.get("name")) or name
        schema = {"type": "string"} if kind == "string" else SCALARS.get(kind)
        if kind == "enum":
            values = said.get("enumValues")
            known = [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
            schema = _choices([(each.get("id"), _text(each.get("name"))) for each in known])
        if schema is not None:
            schema = {
                **schema,
                **_rules(title=cut(clean_line(label), keywords.MOST_TITLE), default=said.get("value")),
            }
        yield Asked(name, label, kind, said.get("required") is True, schema)
