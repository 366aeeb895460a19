"""One story for every engine, through the public API: Bob and Carol answer, the engine itself is told, and once.

The engines with a REST interface are those of this folder; the fifth is the demo, which runs a BPMN process. Everything
that can go wrong on the line is told to the connectors alone, without a database (test_lost_replies.py).
"""

from urllib.parse import quote

import pytest

from escalations.clocks import due_steps
from escalations.models import Escalation, Policy, StepRun
from notifications.models import Callback, CallbackState, EngineAccess
from notifications.models import Task as OurTask
from tests.engines.demo import Side
from tests.engines.sides import Answered, late

pytestmark = pytest.mark.django_db(transaction=True)


# --- answers ------------------------------------------------------------------------------------------------------
def test_an_approval_completes_the_task_with_who_and_what(side: Side) -> None:
    theirs = side.assign("bob", "carol")
    side.world.respond("bob", "approve", "Fine.")
    assert theirs.answers == [Answered("bob", "approved", "Fine.")]
    assert theirs.went_on
    assert side.engine_says("bob") == side.engine_says("carol") == "delivered"
    assert side.refused == []


@pytest.mark.row_25
def test_the_first_of_two_wins_and_the_engine_hears_of_one(side: Side) -> None:
    theirs = side.assign("bob", "carol")
    side.world.respond("carol", "reject", "Twelve, not eleven.")
    side.world.respond("bob", "approve", expect=409)
    assert theirs.answers == [Answered("carol", "rejected", "Twelve, not eleven.")]
    assert theirs.went_on


def test_questions_and_acknowledgements_leave_the_task_open(side: Side) -> None:
    theirs = side.assign("bob", "carol")
    side.world.respond("bob", "acknowledge")
    side.world.respond("bob", "request_info", "Which supplier?")
    assert theirs.is_open
    assert set(Callback.objects.values_list("state", flat=True)) == {CallbackState.DELIVERED}
    assert side.engine_says("bob") == side.engine_says("carol") == ("delivered" if side.remarks else "kept")
    assert any("Which supplier?" in remark for remark in theirs.remarks) == side.remarks


def test_what_people_write_is_a_comment_in_the_engine_or_is_kept_here(side: Side) -> None:
    theirs = side.assign("bob", "carol")
    side.world.respond("bob", "request_info", "Which supplier?")
    path = f"/api/v1/tasks/{quote(OurTask.objects.get().task_id, safe='')}/messages"
    (question,) = side.world.ask("get", path, "bob").json()["items"]
    side.world.reply(question["to"][0]["ref"], "Lakeside Printing.")
    assert side.world.ask("post", path, "carol", {"text": "They deliver on Fridays."}).status_code == 201
    side.world.run()

    told = side.world.ask("get", path, "bob").json()["items"]
    assert [each["kind"] for each in told] == ["question", "reply", "comment"]
    assert {each["engine"] for each in told} == {"delivered" if side.remarks else "kept"}
    for words in ("Lakeside Printing.", "They deliver on Fridays."):
        assert any(words in remark for remark in theirs.remarks) == side.remarks
    assert theirs.is_open
    side.world.respond("bob", "approve")
    assert [answered.by for answered in theirs.answers] == ["bob"]


@pytest.mark.row_26
def test_who_is_later_than_somebody_in_the_engine_is_told_so(side: Side) -> None:
    theirs = side.assign("bob", "carol")
    side.somebody_completes(theirs, "dave")
    side.world.respond("bob", "approve")
    assert side.engine_says("bob") == "handled"
    assert [answered.by for answered in theirs.answers] == ["dave"]
    assert ("dave" in Callback.objects.get().detail) == side.told_by


# --- when it goes wrong -------------------------------------------------------------------------------------------
def test_what_the_engine_tells_of_our_own_answer_does_not_make_it_somebody_elses(side: Side) -> None:
    """Its listener tells that the task is completed while the call that completed it waits for the reply."""
    theirs = side.assign("bob", "carol")
    side.tells_of_completions()
    side.world.respond("bob", "approve")
    assert OurTask.objects.get().state == "completed"
    assert theirs.answers == [Answered("bob", "approved")]
    assert side.engine_says("bob") == side.engine_says("carol") == "delivered"


@pytest.mark.row_27
def test_what_it_tells_before_a_lost_reply_is_told_by_the_next_try(side: Side) -> None:
    theirs = side.assign("bob", "carol")
    side.tells_of_completions()
    side.lose_next_reply()
    side.world.respond("bob", "approve")
    assert OurTask.objects.get().state == "completed"
    assert side.engine_says("bob") == "waiting"
    side.again()
    assert theirs.answers == [Answered("bob", "approved")]
    assert side.engine_says("bob") == side.engine_says("carol") == ("delivered" if side.told_by else "handled")


# --- the engine knows better --------------------------------------------------------------------------------------
def test_nobody_is_told_late_of_what_was_completed_there(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    side.somebody_completes(theirs, "bob")
    side.word_comes()
    while due_steps.tick(late()):
        pass
    assert not StepRun.objects.exists()
    assert Escalation.objects.get().end_reason == "closed in engine"
    assert OurTask.objects.get().state == "completed"
    assert not side.world.inbox("carol")


def test_whoever_has_it_now_has_the_whole_time(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    side.somebody_gives(theirs, "alice")
    side.word_comes()
    assert OurTask.objects.get().assignee.ref == "alice"  # type: ignore[union-attr]
    first, second = Escalation.objects.order_by("pk")
    assert (first.end_reason, second.state) == ("reassigned to somebody else", "running")


def test_an_engine_that_is_away_keeps_nobody_from_being_told(side: Side, policy: Policy) -> None:
    side.assign("bob")
    side.go_away()
    assert due_steps.tick(late()) == 1
    assert [told["ref"] for told in StepRun.objects.get().told] == ["carol"]


# --- and checks ---------------------------------------------------------------------------------------------------
def test_it_is_checked_by_one_question(side: Side) -> None:
    assert side.checked() == "done"
    EngineAccess.objects.update(name="nobody")
    assert side.checked() == ("misconfigured" if side.readable else "done"), "callbacks are signed, not signed in"
