"""How whoever does due work is woken: soon, and without a queue that grows while work is plenty."""

from collections.abc import Iterator

import pytest

from escalations.clocks import due_steps
from notifications.routing import pipeline
from wfpush.queue import outbox

NAMES = ("flood", "clocks")


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The sources whose wake-ups came into django-q2's queue, in the real Redis."""
    names: list[str] = []

    def enqueue(task: str, name: str) -> None:
        names.append(name)
        outbox.connection().rpush(outbox.QUEUE, name)

    monkeypatch.setattr(outbox, "async_task", enqueue)
    clear()
    yield names
    clear()


def clear() -> None:
    keys = [key for pattern in ("wfpush:woken:*", "wfpush:waits:*") for key in outbox.connection().scan_iter(pattern)]
    outbox.connection().delete(outbox.QUEUE, *keys)


def source(name: str) -> outbox.Source:
    return outbox.Source(name, "cluster", lambda now: True, lambda: None)


def seconds_pass(name: str) -> None:
    """So many that one wake-up no longer stands for the next."""
    outbox.connection().delete(f"wfpush:woken:{name}")


def test_a_source_has_one_place_in_a_queue_that_does_not_move(enqueued: list[str]) -> None:
    for _ in range(20):
        for name in NAMES:
            source(name).wake()
            seconds_pass(name)

    assert enqueued == ["flood", "clocks"]


def test_it_gets_another_one_when_its_turn_has_begun(enqueued: list[str]) -> None:
    for name in NAMES:
        source(name).wake()
    outbox.connection().lpop(outbox.QUEUE)

    outbox.awake("flood")
    source("flood").wake()

    assert enqueued == ["flood", "clocks", "flood"]


def test_a_wake_up_that_was_lost_is_made_good_within_seconds(enqueued: list[str]) -> None:
    source("flood").wake()
    outbox.connection().lpop(outbox.QUEUE)  # by a worker that dies now
    source("flood").wake()
    assert enqueued == ["flood"]

    seconds_pass("flood")
    source("flood").wake()

    assert enqueued == ["flood", "flood"]


def test_one_that_was_lost_behind_others_comes_again_soon(enqueued: list[str]) -> None:
    for name in NAMES:
        source(name).wake()
    outbox.connection().lpop(outbox.QUEUE)

    assert 0 < outbox.connection().pttl("wfpush:waits:flood") <= outbox.WAITS_MS <= 10_000


@pytest.mark.django_db
def test_whoever_has_had_a_turn_goes_to_the_end_of_the_queue(
    enqueued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TURN_SECONDS", 0.0)

    pipeline.drain()
    due_steps.drain()

    assert enqueued == ["events", "escalations"]
