"""Answers that were given up reach the engine after all: once, under their id, and only while they still count."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Callback, CallbackState
from notifications.replays.callbacks import send_one
from tests.notifications.engines.test_closed_meanwhile import closes
from tests.support.callbacks import claimed, dispatch, make_due
from tests.support.receiver import Receiver
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


def test_after_a_week_the_answer_is_given_up_and_can_be_replayed_under_its_id(story: Story, receiver: Receiver) -> None:
    recorded = story.answer(story.bob, "approve")
    Callback.objects.update(first_attempt_at=timezone.now() - timedelta(days=9))
    receiver.answer(500)
    dispatch()
    assert story.copy(story.bob).outcome["engine"] == "failed"
    receiver.answer(200)
    assert send_one(Callback.objects.get(), timezone.now())
    assert story.copy(story.bob).outcome["engine"] == "waiting"
    dispatch()
    assert receiver.calls[-1].id == str(recorded.response.pk)
    assert story.copy(story.bob).outcome["engine"] == "delivered"


def test_an_answer_under_way_is_not_replayed(story: Story) -> None:
    story.answer(story.bob, "approve")
    claimed()
    assert not send_one(Callback.objects.get(), timezone.now())


def test_nothing_is_replayed_after_the_final_answer_or_the_tasks_end(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "acknowledge")
    Callback.objects.update(first_attempt_at=timezone.now() - timedelta(days=9))
    receiver.answer(500)
    dispatch()
    given_up = Callback.objects.get(state=CallbackState.FAILED)
    story.answer(story.bob, "approve")
    assert not send_one(given_up, timezone.now())
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=1)
    assert not send_one(given_up, timezone.now())


def test_the_engine_that_says_no_each_time_may_be_asked_by_hand(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    receiver.answer(500)
    make_due()
    dispatch()
    closes(story)
    make_due()
    dispatch()
    assert story.callbacks() == [("approve", "waiting")]
    row = Callback.objects.get()
    assert send_one(row, timezone.now())
    receiver.answer(200)
    dispatch()
    assert story.callbacks() == [("approve", "delivered")]
