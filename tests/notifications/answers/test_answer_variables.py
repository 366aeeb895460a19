"""What goes to the engine with an answer: fixed values, and what the answer and its task fill in, of declared types."""

import json
from typing import Any

import pytest

from notifications.answers import answer_variables
from notifications.answers.answer_variables import BadVariable, fill_in
from notifications.models import AnswerMapping, Callback
from notifications.types import Json
from tests.support.story import Story

FACTS: Json = {
    "outcome": "approved",
    "comment": "Fine.",
    "person": {"ref": "bob", "name": "Bob", "email": "bob@acme.example"},
    "variables": {"amount": 1200.5, "lines": [1, 2]},
}


@pytest.mark.parametrize(
    ("said", "value", "type"),
    [
        (True, True, None),
        (7, 7, None),
        ("fixed", "fixed", None),
        ({"nested": [1]}, {"nested": [1]}, None),
        ("{{ person.ref }} says {{ outcome }}", "bob says approved", None),
        ({"type": "double", "value": "{{ variables.amount }}"}, 1200.5, "double"),
        ({"type": "integer", "value": "12"}, 12, "integer"),
        ({"type": "boolean", "value": "{% if outcome == 'approved' %}true{% else %}false{% endif %}"}, True, "boolean"),
        ({"type": "date", "value": "2026-11-25"}, "2026-11-25", "date"),
        ({"type": "json", "value": '{"a": 1}'}, {"a": 1}, "json"),
        ({"type": "string", "value": 5}, "5", "string"),
    ],
)
def test_each_kind_of_value(said: Any, value: Any, type: str | None) -> None:
    values, types = fill_in({"it": said}, FACTS)
    assert values == {"it": value}
    assert types == ({"it": type} if type else {})


@pytest.mark.parametrize(
    "said",
    [
        "{{ person.phone }}",
        {"type": "integer", "value": "{{ comment }}"},
        {"type": "boolean", "value": "perhaps"},
        {"type": "json", "value": "{"},
        {"type": "double", "value": [1]},
    ],
)
def test_what_cannot_be_filled_in_is_left_out_and_the_rest_goes(said: Any) -> None:
    assert fill_in({"bad": said, "good": 1}, FACTS) == ({"good": 1}, {})


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"type": "money", "value": 1}, "there is no type “money”; there are string, boolean"),
        ({"type": ["string"], "value": 1}, "there is no type"),
        ("{{ outcome", "it:"),
        ({"type": "integer", "value": [1]}, "is not a number of this type"),
    ],
)
def test_what_could_never_be_filled_in_is_refused(said: Any, sentence: str) -> None:
    with pytest.raises(BadVariable, match=sentence):
        answer_variables.check({"it": said})
    answer_variables.check({"it": "{{ person.phone }}", "other": {"type": "double", "value": "{{ x }}"}})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("kind", "outcome", "variables", "types"),
    [("approval", "by-hand", {"level": 2}, {"types": {"level": "long"}}), ("review", "ok", {"by": "bob"}, {})],
)
def test_a_mapping_for_the_tasks_kind_comes_before_that_for_all(
    kind: str, outcome: str, variables: Json, types: Json
) -> None:
    story = Story.begin()
    for_all: Json = {"outcome": "ok", "variables": {"by": "{{ person.ref }}"}}
    for_kind: Json = {"outcome": "by-hand", "variables": {"level": {"type": "long", "value": "2"}}}
    for task_kind, fields in (("", for_all), ("approval", for_kind)):
        AnswerMapping.objects.create(engine=story.engine, action="approve", task_kind=task_kind, **fields)
    story.let_people_set("cost_centre")
    story.assign(kind=kind, candidates=["bob", "carol"])
    story.answer(story.bob, "approve", variables={"cost_centre": "12"})
    said = json.loads(Callback.objects.get().body)["data"]
    assert (said["outcome"], said["variables"]) == (outcome, {"cost_centre": "12", **variables})
    assert {name: said[name] for name in said.keys() & {"types"}} == types
