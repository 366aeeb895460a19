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
        ("{{ outcome", "it:"),
        ({"type": "integer", "value": [1]}, "is not such a number"),
    ],
)
def test_what_could_never_be_filled_in_is_refused(said: Any, sentence: str) -> None:
    with pytest.raises(BadVariable, match=sentence):
        answer_variables.check({"it": said})
    answer_variables.check({"it": "{{ person.phone }}", "other": {"type": "double", "value": "{{ x }}"}})


@pytest.mark.django_db(transaction=True)
def test_a_mapping_for_the_tasks_kind_comes_before_that_for_all() -> None:
    story = Story.begin()
    AnswerMapping.objects.create(
        engine=story.engine, action="approve", outcome="ok", variables={"by": "{{ person.ref }}"}
    )
    AnswerMapping.objects.create(
        engine=story.engine,
        action="approve",
        task_kind="approval",
        outcome="approved-by-hand",
        variables={"level": {"type": "long", "value": "2"}},
    )
    story.let_people_set("cost_centre")
    story.assign(kind="approval", candidates=["bob", "carol"])
    story.answer(story.bob, "approve", variables={"cost_centre": "12"})
    said = data_of(Callback.objects.get())
    assert (said["outcome"], said["variables"]) == ("approved-by-hand", {"cost_centre": "12", "level": 2})
    assert said["types"] == {"level": "long"}


@pytest.mark.django_db(transaction=True)
def test_without_one_for_its_kind_that_for_all_counts() -> None:
    story = Story.begin()
    AnswerMapping.objects.create(
        engine=story.engine, action="approve", outcome="ok", variables={"by": "{{ person.ref }}"}
    )
    AnswerMapping.objects.create(engine=story.engine, action="approve", task_kind="review", outcome="other")
    story.assign(kind="approval", candidates=["bob", "carol"])
    story.answer(story.bob, "approve")
    said = data_of(Callback.objects.get())
    assert (said["outcome"], said["variables"]) == ("ok", {"by": "bob"})
    assert "types" not in said


def data_of(callback: Callback) -> Json:
    data: Json = json.loads(callback.body)["data"]
    return data
