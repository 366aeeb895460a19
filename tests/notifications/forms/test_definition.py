"""What a form may hold: each fault names its place."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from notifications.forms import checking, definition
from notifications.types import Json
from tests.notifications.forms.invoice import invoice_form, read
from tests.notifications.forms.rows import delivery_form
from tests.support.length import LONG


def faults(form: Any) -> list[str]:
    found: list[dict[str, str]] = []
    definition.check(form, "/data/task/form", found)
    return [fault["pointer"].removeprefix("/data/task/form") for fault in found]


def with_field(**schema: Any) -> Json:
    return {"schema": {"type": "object", "properties": {"amount": schema}}}


def test_a_form_of_all_kinds_is_taken() -> None:
    assert faults(invoice_form(actions=["approve"])) == []


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "money"}, "/type"),
        ({}, "/type"),
        ({"type": "string", "$ref": "https://example.com/schema"}, "/$ref"),
        ({"type": "string", "allOf": []}, "/allOf"),
        ({"type": "string", "pattern": "(?=a)"}, "/pattern"),
        ({"type": "string", "pattern": "^\\d+$", "maxLength": 4000}, "/maxLength"),
        ({"type": "string", "title": "x" * 201}, "/title"),
        ({"type": "string", "format": "email"}, "/format"),
        ({"type": "string", "formatMinimum": "2026-11-01"}, "/format"),
        ({"type": "string", "format": "date", "formatMinimum": "1.11.2026"}, "/formatMinimum"),
        ({"type": "string", "enum": []}, "/enum"),
        ({"type": "string", "enum": ["a", "a"]}, "/enum/1"),
        ({"type": "string", "enum": [str(number) for number in range(101)]}, "/enum"),
        ({"type": "string", "oneOf": [{"title": "A"}]}, "/oneOf/0/const"),
        ({"type": "number", "minimum": "0"}, "/minimum"),
        ({"type": "number", "minimum": 5, "maximum": 1}, "/minimum"),
        ({"type": "number", "multipleOf": 0}, "/multipleOf"),
        ({"type": "array"}, "/items"),
        ({"type": "array", "items": {"type": "string"}}, "/items"),
    ],
)
def test_each_fault_of_a_field_has_its_place(schema: Json, pointer: str) -> None:
    assert faults(with_field(**schema)) == [f"/schema/properties/amount{pointer}"]


def changed(path: str, value: Any, of: Json | None = None) -> Json:
    form = deepcopy(of or invoice_form())
    *way, last = path.split("/")
    place: Any = form
    for name in way:
        place = place[name]
    place[last] = value
    return form


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", None),
        ("schema/properties", {}),
        ("schema/properties", {f"f{number}": {"type": "string"} for number in range(41)}),
        ("schema/properties/wfpush_by", {"type": "string"}),
        ("schema/properties/a b", {"type": "string"}),
        ("schema/required", ["nothing"]),
        ("schema/if", {}),
        ("ui/order", ["nothing"]),
        ("ui/actions", [5]),
        ("ui/fields/nothing", {}),
        ("ui/fields/account/kind", "money"),
        ("ui/fields/amount/kind", "signature"),
        ("ui/fields/amount/title", {"de": 5}),
        ("ui/fields/iban/sensitive", "yes"),
        ("ui/fields/note/when", {"field": "nothing", "is": 1}),
        ("ui/fields/note/when", {"field": "amount"}),
        ("ui/fields/note/when", {"field": "amount", "is": 1, "is_not": 2}),
        ("ui/fields/note/when", {"field": "amount", "at_least": "1"}),
        ("ui/layout", {}),
        ("more", {}),
    ],
)
def test_each_fault_of_a_form_is_named(path: str, value: Any) -> None:
    first = faults(changed(path, value))[0]
    assert first.startswith(f"/{path}") or f"/{path}".startswith(first)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema/properties/lines/maxItems", 51),
        ("schema/properties/lines/minItems", 5),
        ("schema/properties/lines/uniqueItems", True),
        ("schema/properties/lines/items/properties", {}),
        ("schema/properties/lines/items/properties", {f"c{number}": {"type": "string"} for number in range(9)}),
        ("schema/properties/lines/items/properties/a.b", {"type": "string"}),
        ("schema/properties/lines/items/properties/price/default", 5),
        ("schema/properties/lines/items/properties/price/minimum", "0"),
        ("schema/properties/lines/items/properties/more", {"type": "array", "items": {"enum": ["a"]}}),
        ("schema/properties/lines/items/required", ["nothing"]),
        ("schema/properties/lines/items/if", {}),
        ("ui/fields/lines/kind", "table"),
        ("ui/fields/lines/order", ["nothing"]),
        ("ui/fields/lines/sum", "article"),
        ("ui/fields/lines/sum", "nothing"),
        ("ui/fields/lines/choices", {}),
        ("ui/fields/lines/columns/nothing", {}),
        ("ui/fields/lines/columns/article/kind", "long_text"),
        ("ui/fields/lines/columns/price/from", "amount"),
        ("ui/fields/note", {"when": {"field": "lines", "is": 1}}),
        ("ui/fields/lines/when", {"field": "note", "is": "x", "or_empty": True}),
    ],
)
def test_each_fault_of_a_table_is_named(path: str, value: Any) -> None:
    assert faults(delivery_form()) == []
    first = faults(changed(path, value, delivery_form()))[0]
    assert first.startswith(f"/{path}")


def test_all_tables_of_a_form_are_small_enough_to_be_sent() -> None:
    form = delivery_form()
    lines = {**form["schema"]["properties"]["lines"], "maxItems": 50}
    form["schema"]["properties"] |= {"lines": lines, "more": lines, "others": lines}
    assert faults(form) == []
    form["schema"]["properties"]["rest"] = {**lines, "maxItems": 1}
    assert faults(form) == ["/schema/properties"]


def test_a_condition_names_a_field_that_has_none() -> None:
    form = changed("ui/fields/note/when", {"field": "iban", "is": "DE02"})
    assert faults(form) == []
    form["ui"]["fields"]["iban"]["when"] = {"field": "amount", "at_least": 5}
    assert faults(form) == ["/ui/fields/note/when/field"]


def test_a_form_is_small() -> None:
    form = changed("schema/properties/note/description", "x" * 500)
    form["schema"]["properties"] |= {f"f{n}": {"type": "string", "description": "x" * 450} for n in range(28)}
    assert faults(form) == []
    form["schema"]["properties"] |= {f"f{n}": {"type": "string", "description": "ä" * 450} for n in range(31)}
    assert faults(form) == [""]


WORDS = ["schema", "ui", "type", "properties", "required", "enum", "oneOf", "const", "items", "pattern", "minimum",
         "maximum", "order", "fields", "actions", "unshown", "amount", "title", "choices", "when", "field", "is",
         "format", "default", "kind"]  # fmt: skip
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from([*WORDS, "string", "number", "array"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=15,
)


FIELD = st.builds(
    lambda type, more: {**more, "type": type},
    st.sampled_from(list(definition.RULES)),
    st.dictionaries(st.sampled_from(sorted({name for rules in definition.RULES.values() for name in rules})), ANYTHING),
)


@given(ANYTHING, FIELD, ANYTHING | st.fixed_dictionaries({"kind": st.sampled_from(["money", "long_text"])}))
@bounds(max_examples=200 if LONG else 60, deadline=None, database=None)
def test_whatever_is_written_is_taken_or_refused(schema: Any, field: Any, ui: Any) -> None:
    for form in (schema, {"schema": schema, "ui": ui}, {**with_field(type="string"), "ui": ui}):
        faults(form)
    form = {"schema": {"type": "object", "properties": {"amount": field}}, "ui": {"fields": {"amount": ui}}}
    if not faults(form):
        found = read(form, {})
        checking.faults_of(found, checking.normal(found, {"amount": schema}))
