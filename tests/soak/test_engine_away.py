"""Two hours without the engine cost nothing but time: `make soak` has 500 answers, else there are a few."""

import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import Settings

from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.engines import callback
from notifications.models import Callback, CallbackState, Notification
from notifications.routing import pipeline
from tests.soak.installation import LONG
from tests.soak.proof import proved
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story
from wfpush.concurrency.threads import in_database_thread
from wfpush.net.breaker import Breaker

pytestmark = pytest.mark.django_db(transaction=True)

PAIRS = 167 if LONG else 6
"""Of each, Bob approves one task, and acknowledges another, which Carol then acknowledges, too."""
ANSWERS = 3 * PAIRS
TURN = timedelta(seconds=30 if LONG else 60)
"""Of the dispatcher while the engine is away."""
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def test_two_hours_of_outage_and_all_answers_are_there_within_a_minute(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story.begin()
    story.engine.callback_url = receiver.url
    story.engine.save()
    receiver.answer(503)
    answer_all(story)
    monkeypatch.setattr(callback._door, "breaker", Breaker(failures=3, pause=5.0, most=30.0, clock=time.time))
    calls_in_vain, seconds = async_to_sync(two_hours)(receiver)
    assert calls_in_vain < 2_000, "it was left alone, and one call went out now and then"
    told: dict[str, list[str]] = {}
    for call in receiver.calls[calls_in_vain:]:
        told.setdefault(call.data["task_id"], []).append(call.data["responded_by"]["ref"])
    approved = {f"approved-{number}": ["bob"] for number in range(PAIRS)}
    assert told == approved | {f"seen-{number}": ["bob", "carol"] for number in range(PAIRS)}, "each once, in order"
    assert set(Callback.objects.values_list("state", flat=True)) == {CallbackState.DELIVERED}
    proved(
        f"two hours without the engine, {ANSWERS} answers given: {calls_in_vain} calls in vain; {seconds:.0f} s after"
        f" it was back it had each answer once, those of a task in order"
    )


async def two_hours(receiver: Receiver) -> tuple[int, float]:
    """Of an outage, and its end. Returns the calls made in vain, and after how many seconds all was there."""
    began = timezone.now()
    with time_machine.travel(began, tick=False) as clock:
        while timezone.now() < began + 2 * HOUR:
            await callback._door.drained()
            clock.shift(TURN)
        calls_in_vain = len(receiver.calls)
        assert await in_database_thread(waiting) == ANSWERS
        receiver.answer(204)
        back = timezone.now()
        while await in_database_thread(waiting):
            await callback._door.drained()
            clock.shift(timedelta(seconds=1))
            assert timezone.now() - back < MINUTE
        seconds = (timezone.now() - back).total_seconds()
    await callback._door.close()
    return calls_in_vain, seconds


def answer_all(story: Story) -> None:
    for number in range(PAIRS):
        for name in (f"approved-{number}", f"seen-{number}"):
            story.send("task.assigned", {"task": {"id": name, "name": name, "candidates": ["bob", "carol"], **ACTIONS}})
    pipeline.drain()
    for person, action, kind in (
        ("bob", "approve", "approved"),
        ("bob", "acknowledge", "seen"),
        ("carol", "acknowledge", "seen"),
    ):
        copies = Notification.objects.filter(recipient__ref=person, task__task_id__startswith=kind)
        for copy in copies.select_related("recipient"):
            respond(copy, Answer(action), now=timezone.now())


ACTIONS = {"actions": ["acknowledge", "approve"]}


def waiting() -> int:
    return Callback.objects.filter(state=CallbackState.WAITING).count()
