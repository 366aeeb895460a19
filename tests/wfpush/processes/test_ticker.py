"""A ticker asks every source, several do no harm, and it survives whatever is away."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Literal

import pytest
from django.db import connection, connections
from django_q.models import Schedule

from wfpush.processes import ticker
from wfpush.processes.ticker import Ticker
from wfpush.queue import outbox
from wfpush.queue.schedules import BACKSTOP

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sources() -> Iterator[dict[str, outbox.Source]]:
    """The registry, emptied for the test."""
    registry = outbox.by_name()
    kept = dict(registry)
    registry.clear()
    yield registry
    registry.clear()
    registry.update(kept)


def add(source: outbox.Source) -> None:
    outbox.by_name()[source.name] = source


@pytest.fixture
def alone() -> Ticker:
    return Ticker(threading.Event())


def source(
    name: str,
    *,
    due: bool = True,
    fault: Exception | None = None,
    runner: Literal["cluster", "dispatcher"] = "dispatcher",
    times: list[datetime] | None = None,
    both: threading.Barrier | None = None,
) -> outbox.Source:
    """`times` gets the time of each check; `both` lets those of two tickers meet."""

    def has_due(now: datetime) -> bool:
        if fault is not None:
            raise fault
        if times is not None:
            times.append(now)
        if both is not None:
            both.wait(60)
        return due

    async def drain() -> None:
        raise AssertionError("the ticker wakes, it does not drain")

    return outbox.Source(name, runner, has_due, drain)


def let_a_second_pass() -> None:
    outbox.connection().delete(ticker.CHECKED)


def tick_at_once() -> None:
    """Two new tickers tick at the same time, each in its thread."""
    tickers = [Ticker(threading.Event()) for _ in range(2)]

    def tick(each: Ticker) -> None:
        each.tick()
        connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(tick, tickers))


class Ear:
    """Listens on the channel of wake-ups."""

    def __init__(self) -> None:
        let_a_second_pass()
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
    add(source("due"))
    add(source("not due", due=False))
    ear = Ear()
    alone.tick()
    assert ear.heard() == ["due"]


def test_what_nobody_has_taken_yet_is_not_said_again(sources: dict[str, outbox.Source], alone: Ticker) -> None:
    add(source("due"))
    ear = Ear()
    alone.tick()
    let_a_second_pass()
    alone.tick()
    assert ear.heard() == ["due"]


def test_a_source_that_fails_is_logged_once_and_stops_nobody(
    sources: dict[str, outbox.Source], alone: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    add(source("broken", fault=ZeroDivisionError("division by zero")))
    add(source("due"))
    ear = Ear()
    alone.tick()
    assert ear.heard() == ["due"]
    let_a_second_pass()
    alone.tick()
    assert ear.heard() == ["due"]
    assert [record.getMessage().count("tick_failing") for record in caplog.records].count(1) == 1
    add(source("broken", due=False))
    let_a_second_pass()
    alone.tick()
    assert any("tick_works_again" in record.getMessage() for record in caplog.records)


def test_of_several_tickers_one_checks_in_a_second(
    sources: dict[str, outbox.Source], alone: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "CHECKED_MS", 600_000)  # a second of any length
    let_a_second_pass()
    times: list[datetime] = []
    add(source("due", times=times))
    for each in (alone, Ticker(threading.Event()), Ticker(threading.Event())):
        each.tick()
    assert len(times) == 1

    let_a_second_pass()
    alone.tick()
    assert len(times) == 2
    let_a_second_pass()


@pytest.mark.parametrize("runner", ["dispatcher", "cluster"])
def test_two_tickers_at_once_wake_for_the_same_work_once(
    sources: dict[str, outbox.Source], monkeypatch: pytest.MonkeyPatch, runner: Literal["cluster", "dispatcher"]
) -> None:
    """Both check, as they do when Redis has lost the key, or one was frozen before its check. What one wakes, either
    process may do: rows are claimed once (tests/wfpush/queue/test_outbox.py)."""
    monkeypatch.setattr(ticker, "_begin_check", lambda: True)
    add(source("due", runner=runner, both=threading.Barrier(2)))
    outbox.connection().delete(outbox.QUEUE)
    ear = Ear()
    tick_at_once()
    assert len(ear.heard()) + outbox.connection().llen(outbox.QUEUE) == 1


def test_two_workers_that_start_at_once_make_each_schedule_once(sources: dict[str, outbox.Source]) -> None:
    for _ in range(3):
        Schedule.objects.all().delete()
        tick_at_once()
        assert Schedule.objects.filter(name=BACKSTOP).count() == 1


def test_a_ticker_without_a_database_leaves_the_check_to_another(
    sources: dict[str, outbox.Source], alone: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(source("due"))
    ear = Ear()
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict["OPTIONS"], "host", "/nonexistent")
        alone.tick()
    Ticker(threading.Event()).tick()
    assert ear.heard() == ["due"]
    let_a_second_pass()
    alone.tick()
    assert ear.heard() == ["due"], "the database is back for it, too"


def test_it_makes_the_backstop_schedule_once(sources: dict[str, outbox.Source], alone: Ticker) -> None:
    alone.tick()
    Ticker(threading.Event()).tick()
    schedule = Schedule.objects.get(name=BACKSTOP)
    assert (schedule.func, schedule.minutes, schedule.repeats) == ("wfpush.tasks.backstop", 1, -1)


def test_it_stops_when_told(sources: dict[str, outbox.Source], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "TICK_SECONDS", 3600.0)
    stop = threading.Event()
    thread = threading.Thread(target=Ticker(stop).run)
    thread.start()
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
