"""Answers: one winner, recorded once, everybody told (docs/api, the tables of answers and of task states)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications import errors
from notifications.answers.respond import respond, take_with_token
from notifications.answers.submission import Answer
from notifications.models import ActionToken, Callback, Notification, Response, TaskState
from notifications.routing import expiry
from notifications.types import Json
from tests.factories import action_token
from tests.soak.installation import LONG
from tests.support.rounds import two_people
from tests.support.story import Story

pytestmark = [pytest.mark.django_db, pytest.mark.soak]


@pytest.fixture
def story() -> Story:
    story = Story.begin()
    story.assign(candidates=["bob", "carol"])
    return story


def test_bobs_approval_is_recorded_and_carols_copy_says_so(story: Story) -> None:
    recorded = story.answer(story.bob, "approve", "Fine")
    assert recorded.created and recorded.response.comment == "Fine"
    assert story.task().state == TaskState.ANSWERED
    assert story.states() == {"bob": "answered", "carol": "answered"}
    outcome = story.copy(story.carol).outcome
    assert (outcome["by"], outcome["action"], outcome["engine"]) == (
        {"ref": "bob", "name": "Bob"},
        "approve",
        "waiting",
    )
    assert story.callbacks() == [("approve", "waiting")]


@pytest.mark.parametrize("action", ["approve", "request_info", "acknowledge"])
def test_each_copy_changes_once_and_whoever_answers_has_read_theirs(story: Story, action: str) -> None:
    before = {person: story.copy(person).seq for person in (story.bob, story.carol)}
    story.answer(story.bob, action, "Which one?")
    mine, hers = story.copy(story.bob), story.copy(story.carol)
    assert {story.bob: mine.seq - 1, story.carol: hers.seq - 1} == before
    assert mine.read_at is not None and hers.read_at is None


def test_a_copy_that_was_read_before_stays_read_since_then(story: Story) -> None:
    then = timezone.now() - timedelta(hours=1)
    Notification.objects.update(read_at=then)
    story.answer(story.bob, "approve")
    assert {story.copy(person).read_at for person in (story.bob, story.carol)} == {then}


def test_whoever_answers_what_is_acknowledged_already_has_read_it(story: Story) -> None:
    story.answer(story.carol, "acknowledge")
    story.answer(story.bob, "acknowledge")
    assert story.copy(story.bob).read_at is not None


def test_an_answer_is_a_few_statements(story: Story) -> None:
    story.assign("T-43")
    story.answer(story.bob, "approve")  # reads the configuration
    with CaptureQueriesContext(connection) as made:
        story.answer(story.bob, "approve", task_id="T-43", idempotency_key="a")
    assert len(made) < 23


def test_the_same_answer_again_changes_nothing(story: Story) -> None:
    first = story.answer(story.bob, "approve", idempotency_key="a")
    again = story.answer(story.bob, "approve", idempotency_key="b")
    assert (again.created, again.response.pk) == (False, first.response.pk)
    assert Callback.objects.count() == 1


def test_another_answer_is_refused_with_who_when_and_what(story: Story) -> None:
    story.answer(story.bob, "approve")
    with pytest.raises(errors.AlreadyAnswered) as refused:
        story.answer(story.carol, "reject", "No")
    assert refused.value.extra["answered_by"] == {"ref": "bob", "name": "Bob"}
    assert refused.value.extra["action"] == "approve"
    for person, action in ((story.bob, "reject"), (story.carol, "approve")):
        with pytest.raises(errors.AlreadyAnswered):
            story.answer(person, action, "Changed my mind")


@pytest.mark.parametrize(
    ("action", "comment", "variables", "error", "words"),
    [
        ("reject", "  ", {}, errors.CommentRequired, None),
        ("reject", " \u200b\u2060 ", {}, errors.CommentRequired, None),
        ("approve", "", {"scan": "x" * 70_000}, errors.InvalidAnswer, "64 KiB"),
        ("approve", "x" * 4001, {}, errors.InvalidAnswer, None),
        ("launch", "", {}, errors.NotAllowed, None),
    ],
    ids=["no comment", "nothing visible", "large variables", "long comment", "not offered"],
)
def test_what_cannot_be_taken_is_refused(
    story: Story, action: str, comment: str, variables: Json, error: type[errors.Failure], words: str | None
) -> None:
    with pytest.raises(error, match=words):
        story.answer(story.bob, action, comment, variables=variables)
    assert story.task().state == TaskState.OPEN


def test_a_key_reused_for_another_answer_is_refused_first_of_all(story: Story) -> None:
    story.answer(story.bob, "approve", idempotency_key="k")
    with pytest.raises(errors.IdempotencyKeyReused):
        story.answer(story.bob, "reject", "No", idempotency_key="k")


def test_acknowledging_is_each_persons_own(story: Story) -> None:
    assert story.answer(story.bob, "acknowledge").created
    assert story.answer(story.carol, "acknowledge").created
    assert not story.answer(story.bob, "acknowledge").created
    assert story.task().state == TaskState.ACKNOWLEDGED
    assert story.copy(story.carol).outcome["by"]["ref"] == "bob"
    assert story.callbacks() == [("acknowledge", "waiting"), ("acknowledge", "waiting")]


def test_acknowledging_while_information_is_awaited_keeps_that_state(story: Story) -> None:
    story.answer(story.bob, "request_info", "Which cost centre?")
    story.answer(story.carol, "acknowledge")
    assert story.task().state == TaskState.INFO_REQUESTED


def test_a_second_question_is_a_second_callback(story: Story) -> None:
    story.answer(story.bob, "request_info", "Which cost centre?")
    story.answer(story.bob, "request_info", "And which project?")
    assert not story.answer(story.bob, "request_info", "And which project?").created
    assert len(story.callbacks()) == 2


def test_a_final_answer_overtakes_what_was_not_yet_delivered(story: Story) -> None:
    story.answer(story.bob, "acknowledge")
    story.answer(story.carol, "request_info", "Why?")
    story.answer(story.bob, "approve")
    assert story.callbacks() == [("acknowledge", "superseded"), ("request_info", "superseded"), ("approve", "waiting")]


@pytest.mark.row_26
def test_after_the_engine_closed_the_task_every_answer_is_already_handled(story: Story) -> None:
    story.happen("task.completed", {"task": {"id": "T-42"}, "result": {"action": "approve", "by": "dave"}}, minute=5)
    with pytest.raises(errors.AlreadyHandled) as refused:
        story.answer(story.bob, "approve")
    assert refused.value.extra["answered_by"]["ref"] == "dave"


def test_a_waiting_callback_is_dropped_when_the_engine_closes_the_task(story: Story) -> None:
    story.answer(story.bob, "approve")
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=5)
    assert story.callbacks() == [("approve", "handled")]
    assert story.task().state == TaskState.COMPLETED
    copy = story.copy(story.carol)
    assert (copy.state, copy.outcome["engine"]) == ("answered", "handled")


def test_a_copy_taken_back_is_withdrawn_with_its_reason(story: Story) -> None:
    copy = story.copy(story.bob)
    story.assign(assignee="carol", minute=1)
    with pytest.raises(errors.Withdrawn, match="Reassigned to Carol"):
        respond(copy, Answer("approve"), now=timezone.now())


@pytest.mark.row_26
def test_after_expiry_nothing_can_be_answered_even_before_the_clock_noticed(story: Story) -> None:
    story.happen("task.updated", {"task": {"id": "T-42", "expires_at": "2020-01-01T00:00:00Z"}}, minute=1)
    with pytest.raises(errors.Expired):
        story.answer(story.bob, "approve")
    expiry.expire_due()
    with pytest.raises(errors.Expired):
        story.answer(story.bob, "approve")


def test_an_update_has_nothing_to_answer(story: Story) -> None:
    story.happen("case.status_changed", {"case": {"id": "1", "status": "approved"}, "recipients": ["bob"]})
    update = Notification.objects.get(recipient=story.bob, state="info")
    with pytest.raises(errors.NotAllowed):
        respond(update, Answer("approve"), now=timezone.now())


# --- action tokens --------------------------------------------------------------------------------
def test_a_token_answers_once_and_replayed_changes_nothing(story: Story) -> None:
    token = action_token(story.copy(story.bob), expires_at=timezone.now() + timedelta(days=1))
    first = take_with_token(token, Answer("approve"), now=timezone.now())
    again = take_with_token(token, Answer("approve"), now=timezone.now())
    assert first.created and not again.created
    with pytest.raises(errors.AlreadyAnswered):
        take_with_token(token, Answer("reject", "No"), now=timezone.now())


def test_a_token_gives_only_the_actions_it_was_made_for(story: Story) -> None:
    token = action_token(story.copy(story.bob), expires_at=timezone.now() + timedelta(days=1), actions=["acknowledge"])
    with pytest.raises(errors.NotAllowed):
        take_with_token(token, Answer("approve"), now=timezone.now())


def test_expired_voided_and_unknown_tokens_call_no_engine(story: Story) -> None:
    old = action_token(story.copy(story.bob), expires_at=timezone.now() - timedelta(seconds=1))
    fresh = action_token(story.copy(story.bob), expires_at=timezone.now() + timedelta(days=1))
    story.assign(assignee="carol", minute=1)
    for token in (old, fresh):
        with pytest.raises(errors.Expired):
            take_with_token(token, Answer("approve"), now=timezone.now())
    with pytest.raises(errors.NotFound):
        take_with_token("wfa_nobody", Answer("approve"), now=timezone.now())
    assert Callback.objects.count() == 0
    assert ActionToken.objects.filter(voided_at=None).count() == 0


# --- races ----------------------------------------------------------------------------------------
@pytest.mark.row_25
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [200 if LONG else 20])
def test_two_answers_at_once_have_one_winner_each_time(story: Story, rounds: int) -> None:
    with two_people() as people:
        for number in range(rounds):
            task_id = f"R-{number}"
            story.assign(task_id, candidates=["bob", "carol"])
            winner, told = people.press(
                {person.ref: story.copy(person, task_id) for person in (story.bob, story.carol)}
            )
            assert told == winner
    final = Response.objects.filter(task__task_id__startswith="R-")
    assert final.count() == rounds == Callback.objects.filter(task__task_id__startswith="R-").count()
