"""The engine closes a task while an answer to it is on its way: whoever gave it reads what has truly become of it."""

import pytest
from django.utils import timezone

from notifications.connectors.base import Result
from notifications.engines import callback
from notifications.models import Callback
from notifications.reasons import said
from tests.support.callbacks import claimed, dispatch, make_due
from tests.support.receiver import Receiver
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

DONE, BUSY = Result("done", 204), Result("later", 503, said("The engine answered 503."))
LOST = Result("later", None, said("No answer came."), unsure=True)
REFUSED = Result("refused", 422, said("The budget is closed."))


def closes(story: Story) -> None:
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=5)


@pytest.mark.parametrize(("result", "ends_as"), [(DONE, "delivered"), (BUSY, "handled"), (REFUSED, "handled")])
def test_a_call_under_way_ends_by_its_own_result(story: Story, result: Result, ends_as: str) -> None:
    story.answer(story.bob, "approve")
    under_way, _ = claimed()[0]
    closes(story)
    assert story.copy(story.carol).outcome["engine"] == "waiting"
    callback.record(under_way, result, timezone.now())
    assert story.callbacks() == [("approve", ends_as)]
    copy = story.copy(story.carol)
    assert (copy.state, copy.outcome["engine"]) == ("answered", ends_as)


def test_what_may_have_arrived_is_told_again_under_its_id(story: Story, receiver: Receiver) -> None:
    recorded = story.answer(story.bob, "approve")
    under_way, _ = claimed()[0]
    callback.record(under_way, LOST, timezone.now())
    closes(story)
    assert story.callbacks() == [("approve", "waiting")]
    make_due()
    dispatch()
    assert [call.id for call in receiver.calls] == [str(recorded.response.pk)]
    assert story.copy(story.bob).outcome["engine"] == "delivered"


def test_whose_lease_ended_in_the_middle_of_a_call_may_have_arrived(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    claimed()
    Callback.objects.update(lease_until=timezone.now())
    closes(story)
    make_due()
    dispatch()
    assert story.callbacks() == [("approve", "delivered")]


def test_the_engine_that_says_no_each_time_may_be_told_by_hand(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    receiver.answer(500)
    make_due()
    dispatch()
    closes(story)
    make_due()
    dispatch()
    assert story.callbacks() == [("approve", "waiting")]
    row = Callback.objects.get()
    assert callback.mark_handled(row, "Bob had done it.", timezone.now())
    assert story.copy(story.bob).outcome["engine"] == "handled"


def test_what_came_to_nothing_for_certain_is_not_told_any_more(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    receiver.answer(429)
    make_due()
    dispatch()
    closes(story)
    assert story.callbacks() == [("approve", "handled")]
    assert story.copy(story.bob).outcome["engine"] == "handled"


def test_only_the_answer_that_is_under_way_is_told(story: Story) -> None:
    """Carol's decision was never tried: nobody need tell it."""
    story.answer(story.bob, "acknowledge")
    under_way, _ = claimed()[0]
    story.answer(story.carol, "approve")
    closes(story)
    assert story.callbacks() == [("acknowledge", "waiting"), ("approve", "handled")]
    assert story.copy(story.carol).outcome["engine"] == "handled"
    callback.record(under_way, DONE, timezone.now())
    assert story.callbacks() == [("acknowledge", "delivered"), ("approve", "handled")]
    assert story.copy(story.carol).outcome["engine"] == "handled"


def test_copies_taken_back_say_what_became_of_an_acknowledgement(story: Story) -> None:
    story.answer(story.bob, "acknowledge")
    under_way, _ = claimed()[0]
    closes(story)
    callback.record(under_way, DONE, timezone.now())
    copy = story.copy(story.bob)
    assert (copy.state, copy.outcome["action"], copy.outcome["engine"]) == ("withdrawn", "acknowledge", "delivered")
