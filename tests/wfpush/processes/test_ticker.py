"""One ticker leads, asks every source, and survives whatever is away."""

import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db import connection
from django_q.models import Schedule

from wfpush.models import Lead
from wfpush.processes import ticker
from wfpush.processes.leader_election import Leadership
from wfpush.processes.ticker import BACKSTOP, Ticker
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sources() -> Iterator[dict[str, outbox.Source]]:
    """The registry, emptied for the test."""
    registry = outbox._registry.sources
    kept = dict(registry)
    registry.clear()
    yield registry
    registry.clear()
    registry.update(kept)


@pytest.fixture
def alone() -> Ticker:
    return Ticker(threading.Event())


def source(name: str, *, due: bool = True, fault: Exception | None = None) -> outbox.Source:
    def has_due(now: datetime) -> bool:
        if fault is not None:
            raise fault
        return due

    async def drain() -> None:
        raise AssertionError("the ticker wakes, it does not drain")

    return outbox.Source(name, "dispatcher", has_due, drain)


class Ear:
    """Listens on the channel of wake-ups."""

    def __init__(self) -> None:
        outbox.wake_up_received("due")  # what earlier tests woke is nobody's any more
        self._pubsub = outbox.connection().pubsub(ignore_subscribe_messages=False)
        self._pubsub.subscribe(outbox.WAKE_CHANNEL)
        assert self._pubsub.get_message(timeout=60) is not None

    def heard(self) -> list[str]:
        """Everything up to now: what is said last comes last."""
        outbox.connection().publish(outbox.WAKE_CHANNEL, "the end")
        names: list[str] = []
        while message := self._pubsub.get_message(timeout=60):
            if (name := message["data"].decode()) == "the end":
                return names
            assert outbox.connection().delete(outbox.flag_of(name)), "whoever hears a wake-up can take it"
            names.append(name)
        raise AssertionError("nothing is heard of the end")


def test_it_wakes_what_is_due_and_nothing_else(sources: dict[str, outbox.Source], alone: Ticker) -> None:
    outbox.register(source("due"))
    outbox.register(source("not due", due=False))
    ear = Ear()
    alone.tick()
    assert ear.heard() == ["due"]


def test_what_nobody_has_taken_yet_is_not_said_again(sources: dict[str, outbox.Source], alone: Ticker) -> None:
    outbox.register(source("due"))
    ear = Ear()
    alone.tick()
    alone.tick()
    assert ear.heard() == ["due"]


def test_a_source_that_fails_is_logged_once_and_stops_nobody(
    sources: dict[str, outbox.Source], alone: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.register(source("broken", fault=ZeroDivisionError("division by zero")))
    outbox.register(source("due"))
    ear = Ear()
    alone.tick()
    assert ear.heard() == ["due"]
    alone.tick()
    assert ear.heard() == ["due"]
    assert [record.getMessage().count("tick_failing") for record in caplog.records].count(1) == 1
    outbox.register(source("broken", due=False))
    alone.tick()
    assert any("tick_works_again" in record.getMessage() for record in caplog.records)


def test_a_ticker_that_does_not_lead_wakes_nobody(sources: dict[str, outbox.Source], alone: Ticker) -> None:
    leader = Leadership(ticker.TICKER)
    assert leader.acquire()
    outbox.register(source("due"))
    ear = Ear()
    alone.tick()
    assert ear.heard() == []
    leader.release()
    alone.tick()
    assert ear.heard() == ["due"]


def test_a_lost_database_costs_the_lead_only_until_it_is_back(
    sources: dict[str, outbox.Source], alone: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.register(source("due"))
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict["OPTIONS"], "host", "/nonexistent")
        alone.tick()
        assert not alone._leadership.held
    ear = Ear()
    alone.tick()
    assert ear.heard() == ["due"]


def test_the_leader_makes_the_backstop_schedule_once(sources: dict[str, outbox.Source], alone: Ticker) -> None:
    alone.tick()
    alone._leadership.release()
    alone.tick()
    found = Schedule.objects.get(name=BACKSTOP)
    assert (found.func, found.minutes, found.repeats) == ("wfpush.tasks.backstop", 1, -1)


def test_it_stops_when_told(sources: dict[str, outbox.Source], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "TICK_SECONDS", 3600.0)
    stop = threading.Event()
    thread = threading.Thread(target=Ticker(stop).run)
    thread.start()
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert not Lead.objects.exists(), "another one may lead at once"
