"""Forms of engines as ours: what can be shown is, and everything else is named."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from notifications.forms import definition
from notifications.forms.engine_forms import stored, translated
from notifications.forms.fields import Form, form_of
from notifications.inbox.sign_in.session import BACKEND
from notifications.intake.eventdata import faults_of
from notifications.models import Task
from notifications.types import Json
from tests.admin.pages import page_of
from tests.inbox.browser import get, signed_in
from tests.notifications.forms.engine_forms import CAMUNDA, FLOWABLE, FORM_DATA
from tests.support.length import LONG
from tests.support.story import Story


def form(said: Any, **variables: Any) -> Form:
    event = {"task": {"id": "T", "name": "N", "assignee": "bob", "form": said}, "variables": variables}
    assert faults_of("task.assigned", event) == []
    found = form_of(stored(event))
    assert found is not None
    return found


def kinds(of: Form) -> list[tuple[str, str, bool]]:
    return [(field.name, field.kind, field.required) for field in of]


def unshown(of: Form) -> list[str]:
    return [f"{each.words('en')}{'*' if each.required else ''}" for each in of.unshown]


def test_camundas_forms_are_read() -> None:
    found = form(CAMUNDA, plants=[{"label": "Köln", "value": "k"}, "b"], amount=1000)

    assert kinds(found) == [
        ("amount", "number", True),
        ("account", "choice", True),
        ("plant", "choice", False),
        ("pay_on", "date", False),
        ("asset", "yes_no", False),
        ("checks", "choices", False),
        ("mail", "text", False),
        ("code", "text", False),
        ("why", "long_text", True),
        ("trip", "text", True),
        ("odd_one", "text", False),
        ("far", "text", False),
        ("receipt", "files", True),
        ("lines", "rows", False),
    ]
    assert {field.name: field.when for field in found if field.when} == {
        "why": {"field": "amount", "at_least": 100, "or_empty": True},
        "trip": {"field": "account", "is": "travel"},
    }
    assert unshown(found) == [
        "Tax (select)",
        "Remark (textfield)",
        "Call at (datetime)",
        "Odd (textfield)*",
        "Positions (dynamiclist)",
        "Seen lines (dynamiclist)",
    ]
    fields = {field.name: field for field in found}
    assert fields["amount"].schema["maximum"] == 5000 and fields["amount"].default == 1000
    assert [choice.label("en") for choice in fields["plant"].choices] == ["Köln", "b"]
    assert fields["asset"].default is True and fields["code"].schema["maxLength"] == 100
    assert [(each.name, each.kind, each.required, each.default) for each in fields["lines"].columns] == [
        ("article", "text", True, None),
        ("price", "number", False, None),
        ("fragile", "yes_no", False, None),
    ]
    assert (fields["why"].label("en"), fields["why"].help("en")) == ("why", "In a sentence.")


def test_nothing_is_neither_less_nor_more_than_a_number_as_in_form_js() -> None:
    why = next(field for field in form(CAMUNDA) if field.name == "why")
    assert [why.is_asked(values) for values in ({}, {"amount": 99}, {"amount": 100})] == [True, False, True]


def test_a_list_whose_rows_are_fixed_keeps_their_number() -> None:
    components = [{"type": "textfield", "key": "article"}]
    said = {"type": "dynamiclist", "path": "lines", "allowAddRemove": False, "components": components}
    (lines,) = form({"components": [said]}, lines=[{"article": "Pump"}, {"article": "Valve"}])
    assert (lines.least_rows, lines.most_rows) == (2, 2)


@pytest.mark.parametrize(
    "wrapped", [{"schema": CAMUNDA, "formKey": "1"}, {"schema": __import__("json").dumps(CAMUNDA)}]
)
def test_camunda_8_wraps_it(wrapped: Json) -> None:
    assert translated(wrapped, {}) == translated(CAMUNDA, {})


def test_flowables_forms_are_read() -> None:
    found = form(FLOWABLE)

    assert kinds(found) == [
        ("amount", "money", True),
        ("account", "choice", True),
        ("pay_on", "date", False),
        ("asset", "yes_no", False),
        ("pieces", "number", False),
        ("code", "text", False),
        ("why", "long_text", False),
        ("receipt", "files", True),
    ]
    assert unshown(found) == ["Colleague (people)"]
    fields = {field.name: field for field in found}
    assert [choice.value for choice in fields["account"].choices] == ["Travel", "Office"]
    assert fields["code"].schema["minLength"] == 3 and fields["amount"].currency == "EUR"

    properties = form(FORM_DATA)
    assert kinds(properties) == [("room", "text", True), ("size", "choice", False), ("nights", "number", False)]
    assert unshown(properties) == ["Who (user)"]


def test_a_large_form_is_shown_as_far_as_it_fits() -> None:
    many = [{"type": "textfield", "key": f"f{n}", "label": f"Field {n} " + "x" * 150} for n in range(200)]
    found = form({"components": many})
    assert len(found.fields) == definition.MOST_FIELDS and found.unshown

    alone = form(
        {"components": [{"type": "table", "key": "t"}, {"type": "custom", "key": "receipt", "label": "Receipt"}]}
    )
    assert not alone.fields and alone.rule_for("approve", "final") == "none"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc=.", max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "key", "id", "label", "values", "validate", "required", "pattern", "components",
                         "fields", "options", "name", "params", "path", "conditional", "defaultValue", "value"]),
        inner | st.sampled_from(["textfield", "select", "group", "number", "dropdown", "container", "text", "date"]),
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(ANYTHING)
@bounds(max_examples=150 if LONG else 50, deadline=None, database=None)
def test_whatever_engines_write_becomes_a_form_of_ours(said: Any) -> None:
    for name in ("components", "fields", "formProperties"):
        assert (
            definition.is_form(translated({name: [said]}, {}))
            or not translated({name: [said]}, {})["schema"]["properties"]
        )


@pytest.mark.django_db
def test_what_cannot_be_shown_is_named_in_the_item_and_on_the_desk() -> None:
    story = Story.begin()
    story.assign(form=CAMUNDA, url="https://engine.example/tasks/42")

    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}")
    assert "Filled in in Invoices only:" in page.part("form") and "Tax (select)" in page.part("form")
    assert page.link("Open in Invoices") == "https://engine.example/tasks/42"
    desk = Client()
    desk.force_login(User.objects.create_superuser("root"), backend=BACKEND)
    shown = desk.get(page_of(Task.objects.get())).content.decode()
    assert "Only in the engine: " in shown and "Positions (dynamiclist)" in shown
