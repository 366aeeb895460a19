"""An engine for which an administrator has set a limit is told to send its events later, once so many wait."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.api import events
from notifications.intake import limit
from notifications.intake.limit import FRESH_SECONDS, Limits
from notifications.models import Engine, Event
from notifications.routing import pipeline
from tests.factories import EngineFactory, RecipientFactory
from tests.support.api import BATCH, Caller, assigned, engine_caller, is_problem

FEW = 3


class Clock:
    """Stands still until it is told that a second has passed."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def second(self) -> None:
        self.seconds += FRESH_SECONDS


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Nothing has been counted yet."""
    clock = Clock()
    monkeypatch.setattr(events, "limits", Limits(clock))
    yield clock


@pytest.fixture
def limited(invoices: Engine) -> Engine:
    Engine.objects.filter(pk=invoices.pk).update(most_waiting=FEW)
    return invoices


def some(*numbers: int) -> list[object]:
    return [assigned(f"e-{number}", task={"id": f"T-{number}"}) for number in numbers]


def statuses(engine: Caller, *numbers: int) -> list[int]:
    return [engine.send(event).status_code for event in some(*numbers)]


def counts(engine: Caller, *numbers: int) -> int:
    """How often the waiting events are counted for these, which are all taken."""
    with CaptureQueriesContext(connection) as asked:
        assert set(statuses(engine, *numbers)) == {202}
    return sum(query["sql"].startswith("SELECT COUNT(*) FROM (SELECT") for query in asked.captured_queries)


def test_without_a_limit_nothing_is_counted(engine: Caller) -> None:
    assert counts(engine, 1, 2, 3, 4) == 0


def test_within_a_second_it_is_counted_once(limited: Engine, engine: Caller, clock: Clock) -> None:
    assert counts(engine, 1, 2) == 1
    clock.second()
    assert counts(engine, 3) == 1


def test_an_engine_is_told_when_to_send_the_rest(limited: Engine, engine: Caller) -> None:
    assert statuses(engine, 1, 2, 3, 4, 5) == [202, 202, 202, 429, 429]
    answer = engine.send(assigned("e-6"))
    assert is_problem(answer, 429, "too_many_requests")
    assert answer.headers["Retry-After"] == str(limit.MIN_RETRY_AFTER)
    assert "Nothing was stored" in answer.json()["detail"]
    assert Event.objects.count() == FEW


def test_when_nothing_is_processed_it_is_told_to_wait_the_longest(
    limited: Engine, engine: Caller, clock: Clock
) -> None:
    statuses(engine, 1, 2, 3)
    clock.second()

    assert engine.send(assigned("e-4")).headers["Retry-After"] == str(limit.MAX_RETRY_AFTER)


def test_events_are_taken_again_once_some_are_processed(limited: Engine, engine: Caller, clock: Clock) -> None:
    RecipientFactory(ref="bob")
    statuses(engine, 1, 2, 3, 4)
    pipeline.drain()
    assert statuses(engine, 4) == [429], "it is counted once a second"
    clock.second()

    assert statuses(engine, 4, 5, 6, 7) == [202, 202, 202, 429]
    clock.second()
    assert engine.send(assigned("e-7")).headers["Retry-After"] == "1", "three were processed within ten seconds"


def test_a_repeat_is_answered_as_ever(limited: Engine, engine: Caller, clock: Clock) -> None:
    statuses(engine, 1, 2, 3)
    clock.second()
    first, other = some(1)[0], assigned("e-1", task={"id": "T-9"})

    again = engine.send(first)

    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert is_problem(engine.send(other), 409, "event_id_reused")
    assert engine.send(some(1, 2, 3), type=BATCH).status_code == 202


def test_a_batch_is_taken_whole_or_refused_whole(limited: Engine, engine: Caller, clock: Clock) -> None:
    assert engine.send(some(1, 2), type=BATCH).status_code == 202
    assert engine.send(some(3, 4, 5, 6, 7), type=BATCH).status_code == 202, "there is room for one"
    for _ in range(2):
        assert is_problem(engine.send(some(7, 8), type=BATCH), 429, "too_many_requests")
        clock.second()
    assert Event.objects.count() == 7


def test_what_cannot_be_read_is_refused_as_ever(limited: Engine, engine: Caller) -> None:
    statuses(engine, 1, 2, 3)

    assert is_problem(engine.send({"id": "e-4"}), 422, "invalid_event")
    assert is_problem(engine.send([{"id": "e-4"}], type=BATCH), 422, "invalid_event")


def test_the_limit_of_one_engine_is_not_anothers(limited: Engine, engine: Caller) -> None:
    statuses(engine, 1, 2, 3, 4)

    assert statuses(engine_caller(EngineFactory(most_waiting=FEW)), 1, 2) == [202, 202]
    assert statuses(engine_caller(EngineFactory()), 1, 2, 3, 4) == [202, 202, 202, 202]
