"""An engine that is away is left alone. (Whatever happens on the way, in any order: engines/test_any_order.py.)"""

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.engines import callback
from notifications.models import Callback, CallbackState, Notification
from notifications.reasons import words
from notifications.routing import pipeline
from tests.support.callbacks import dispatch
from tests.support.receiver import Receiver
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


def test_while_it_is_away_one_call_goes_out_and_not_one_for_each_answer(told: Story, receiver: Receiver) -> None:
    receiver.answer(503)
    for number in range(30):
        told.send("task.assigned", {"task": {"id": f"T-{number}", "name": "x", "assignee": "bob"}})
    pipeline.drain()
    for copy in Notification.objects.select_related("recipient"):
        respond(copy, Answer("approve"), now=timezone.now())

    async def several_turns() -> None:
        for _ in range(5):
            await callback._door.drained()
            waiting = Callback.objects.filter(state=CallbackState.WAITING, lease_token=None)
            await waiting.aupdate(due_at=timezone.now())
        await callback._door.close()

    async_to_sync(several_turns)()
    assert len(receiver.calls) == callback.MAX_CALLS_PER_ENGINE, (
        "those of the first turn were out already; then it was left alone"
    )
    assert Callback.objects.filter(state=CallbackState.WAITING).count() == 30


def test_what_somebody_has_told_it_by_hand_is_not_sent_any_more(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve")
    row = Callback.objects.get()
    assert callback.mark_handled(row, "Told them by telephone.", timezone.now())
    assert not callback.mark_handled(row, "Twice.", timezone.now())
    dispatch()
    assert receiver.calls == []
    outcome = story.copy(story.bob).outcome
    assert (outcome["engine"], words(outcome, "detail")) == ("handled", "Told them by telephone.")
