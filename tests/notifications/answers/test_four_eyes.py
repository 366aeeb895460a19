"""Four eyes: who started something, or decided the step before, does not decide this one, and is told why."""

import pytest
from django.utils import translation

from notifications.errors import FourEyes
from notifications.models import (
    Callback,
    FourEyesCondition,
    FourEyesRule,
    Operator,
    RefusedAnswer,
    Response,
    TaskState,
)
from notifications.reasons import words
from tests.factories import EngineFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story() -> Story:
    return Story.begin()


def rule(*conditions: tuple[str, str, str], **fields: object) -> FourEyesRule:
    made = FourEyesRule.objects.create(**{"name": "Invoices", **fields})
    for path, operator, value in conditions:
        FourEyesCondition.objects.create(rule=made, path=path, operator=operator, value=value)
    return made


def test_who_started_it_does_not_approve_it_and_nothing_happens(story: Story) -> None:
    rule()
    story.assign(candidates=["bob", "carol"], initiator="bob")
    with pytest.raises(FourEyes, match="You started this, so somebody else must decide it"):
        story.answer(story.bob, "approve", "Mine.")
    assert not Response.objects.exists() and not Callback.objects.exists()
    assert story.task().state == TaskState.OPEN
    refused = RefusedAnswer.objects.get()
    assert (refused.recipient, refused.action, refused.comment, refused.rule) == (
        story.bob,
        "approve",
        "Mine.",
        "Invoices",
    )
    with translation.override("de"):
        assert words(refused, "why").startswith("Sie haben")
    story.answer(story.carol, "approve")
    assert story.callbacks() == [("approve", "waiting")]


def test_they_may_still_acknowledge_and_ask(story: Story) -> None:
    rule()
    story.assign(candidates=["bob", "carol"], initiator="bob", actions=["approve", "acknowledge", "request_info"])
    story.answer(story.bob, "acknowledge")
    story.answer(story.bob, "request_info", "Which one?")
    assert not RefusedAnswer.objects.exists()


@pytest.mark.parametrize(
    ("conditions", "fields"),
    [
        ([("variables.amount", Operator.GREATER, "5000")], {}),
        ([], {"enabled": False}),
        ([], {"not_initiator": False}),
        ([], {"engine": "other"}),
    ],
)
def test_a_rule_that_does_not_fit_keeps_nobody_from_it(
    conditions: list[tuple[str, str, str]], fields: dict[str, object], story: Story
) -> None:
    if "engine" in fields:
        fields = {"engine": EngineFactory(slug="other")}
    rule(*conditions, **fields)
    story.assign(assignee="bob", initiator="bob")
    story.answer(story.bob, "approve")


def test_its_conditions_are_looked_up_in_task_variables_and_case(story: Story) -> None:
    rule(("variables.amount", Operator.GREATER, "1000"), ("case.id", Operator.EQUALS, "4711"))
    story.assign(assignee="bob", initiator="bob")
    with pytest.raises(FourEyes):
        story.answer(story.bob, "approve")


def test_who_decided_the_step_before_does_not_decide_the_next(story: Story) -> None:
    rule(not_initiator=False, not_previous=True)
    story.assign("T-1", candidates=["bob", "carol"])
    story.answer(story.bob, "approve", task_id="T-1")
    story.assign("T-2", candidates=["bob", "carol"])
    with pytest.raises(FourEyes, match="You decided the step before"):
        story.answer(story.bob, "approve", task_id="T-2")
    story.answer(story.carol, "approve", task_id="T-2")
    story.assign("T-3", candidates=["bob", "carol"])
    story.answer(story.bob, "approve", task_id="T-3")


def test_so_does_nobody_who_decided_it_in_the_engine(story: Story) -> None:
    rule(not_initiator=False, not_previous=True)
    story.assign("T-1", candidates=["bob", "carol"])
    story.happen("task.completed", {"task": {"id": "T-1"}, "result": {"action": "approve", "by": "bob"}})
    story.assign("T-2", candidates=["bob", "carol"])
    with pytest.raises(FourEyes):
        story.answer(story.bob, "approve", task_id="T-2")


def test_another_case_or_an_open_step_before_keeps_nobody(story: Story) -> None:
    rule(not_initiator=False, not_previous=True)
    story.assign("T-1", candidates=["bob", "carol"])
    story.answer(story.bob, "acknowledge", task_id="T-1")
    story.assign("T-2", candidates=["bob", "carol"])
    story.answer(story.bob, "approve", task_id="T-2")
