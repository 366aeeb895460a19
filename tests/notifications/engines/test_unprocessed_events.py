"""A final answer waits while an event of its task is not processed yet: it may change what was answered."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.engines import returned_answers
from notifications.items import undo_window
from notifications.models import Callback, CallbackState, Event, EventStatus
from notifications.routing import pipeline
from tests.support.callbacks import claimed
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = {"task": {"id": "T-42", "name": "Pay Evil Ltd"}}
LATER = {"task": {"id": "T-42", "due_at": "2026-12-01T10:00:00Z"}}


@pytest.fixture
def story(transactional_db: None) -> Story:
    story = Story.begin()
    story.assign()
    return story


def told() -> list[str]:
    """The actions of the answers that are sent now."""
    Callback.objects.filter(state=CallbackState.WAITING).update(due_at=timezone.now())
    return [callback.response.action for callback, _ in claimed()]


def test_a_change_that_is_not_processed_yet_keeps_the_answer_from_being_told(story: Story) -> None:
    story.send("task.updated", EVIL)
    story.answer(story.bob, "approve", via="api")
    assert told() == []
    waiting = Callback.objects.get()
    assert (waiting.attempts, waiting.attempt_log.count()) == (0, 0)
    assert waiting.due_at is not None and timezone.now() < waiting.due_at <= timezone.now() + timedelta(seconds=1)

    pipeline.drain()
    assert told() == []
    assert story.callbacks() == [("approve", CallbackState.RETURNED)]


def test_an_event_that_changes_nothing_of_it_only_delays_it(story: Story) -> None:
    story.send("task.updated", LATER)
    story.answer(story.bob, "approve", via="api")
    assert told() == []
    pipeline.drain()
    assert told() == ["approve"]


def test_it_waits_for_no_other_task_no_old_event_and_only_where_it_decides(story: Story) -> None:
    story.assign("T-43")
    story.send("task.updated", EVIL)
    story.answer(story.bob, "acknowledge", via="api")
    story.answer(story.bob, "approve", task_id="T-43", via="api")
    assert sorted(told()) == ["acknowledge", "approve"]

    Event.objects.filter(status=EventStatus.ACCEPTED).update(
        received_at=timezone.now() - timedelta(seconds=31), due_at=timezone.now() - timedelta(seconds=31)
    )
    Callback.objects.filter(response__action="acknowledge").update(
        state=CallbackState.DELIVERED, due_at=None, ended_at=timezone.now()
    )
    story.answer(story.bob, "approve", via="api")
    assert told() == ["approve"]


def test_an_update_that_was_kept_and_is_released_counts_as_new(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers again at once has not seen what it changes."""
    monkeypatch.setattr(undo_window, "HELD", timedelta(minutes=1))
    story.answer(story.bob, "approve", via="inbox")
    story.happen("task.updated", LATER)
    Event.objects.update(received_at=timezone.now() - timedelta(hours=1))
    returned_answers.take_back(story.copy(story.bob), timezone.now())
    story.answer(story.bob, "approve", via="api")
    assert told() == []
    pipeline.drain()
    assert told() == ["approve"]
