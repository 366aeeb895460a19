"""What docs/api shows of answers and calls has the members of real ones."""

import json
from typing import Any, get_args

import pytest

from notifications.forms import definition
from notifications.forms.fields import Kind, form_of
from notifications.items.inbox_json import inbox_json
from notifications.items.representation import event_trace_json, response_json, task_json
from notifications.types import Json
from tests.support.documentation import blocks, code, section
from tests.support.story import Story

pytestmark = pytest.mark.django_db


def sample(mark: str) -> Json:
    """The JSON block of docs/api that holds these words."""
    (found,) = [block for block in blocks("docs/api", "json") if mark in block]
    read: Json = json.loads(found)
    return read


def members(value: Any) -> Any:
    """The names of all members, those in a list's first item included."""
    if isinstance(value, list):
        return [members(value[0])] if value else []
    return {name: members(each) for name, each in value.items()} if isinstance(value, dict) else None


@pytest.fixture
def story() -> Story:
    """Bob's task, acknowledged, asked about and approved."""
    story = Story.begin()
    story.let_people_set("cost_center")
    story.assign(initiator="alice", actions=["approve", "acknowledge", "request_info"])
    story.answer(story.bob, "acknowledge")
    story.answer(story.bob, "request_info", "Which cost centre?")
    return story


def test_a_notification(story: Story) -> None:
    documented, real = sample('"seq"'), inbox_json(story.copy(story.bob))

    assert list(real) == list(documented)
    for part in ("task", "case", "actions", "info", "outcome", "key_facts", "glance"):
        assert members(documented[part]) == members(real[part]), part


def test_an_answer_and_the_call_that_tells_the_engine(story: Story) -> None:
    response = story.answer(story.bob, "approve", "Fine.", variables={"cost_center": "4100"}).response
    (row,) = [line for line in section("docs/api", "Answers").splitlines() if line.startswith("| 201 ")]

    assert members(json.loads(response.callback.body)) == members(sample("task.responded"))
    assert set(response_json(response)) == set(json.loads(code(row)[0].replace("{", "[").replace("}", "]")))


def test_the_form_is_one_that_is_taken() -> None:
    form, faults = sample('"formatMinimum"'), []
    definition.check(form, "", faults)

    assert faults == []
    assert {field.kind for field in form_of({"task": {"form": form}}) or ()} == {*get_args(Kind)} - {"number"}


def test_a_task(story: Story) -> None:
    story.answer(story.bob, "approve")

    assert members(task_json(story.task())) == members(sample('"last_status"'))


def test_a_trace(story: Story) -> None:
    event = story.task().assigned_event
    assert event is not None

    told = code(section("docs/api", "Traces and tasks"))

    assert set(event_trace_json(event)) - {"id"} <= set(told)
