"""Small runs of what is measured under load, in one house: a day, bytes, bursts for workers, and answers.

What benchmarks say, tests/test_bench.py holds.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from bench import answers, first_paint, leftover, workers
from bench.day import plan, run
from bench.day.checks import Patience
from bench.harness import BenchError, Figure, House
from tests.test_bench import MigratedHouse

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with MigratedHouse(settings=run.settings()) as house:
        yield house


def said(figures: list[Figure]) -> list[str]:
    """What each is of, without numbers; all were measured."""
    for figure in figures:
        assert figure.ours is not None and figure.ours > 0
        assert figure.peer is None or figure.peer > 0
    return [re.sub(r"\d+", "#", figure.what) for figure in figures]


def test_the_end_of_the_day_is_checked_and_nothing_else_is_wrong(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An item is lost, and a seq with it, behind everybody's back."""
    monkeypatch.setattr(run, "PEOPLE", 30)
    monkeypatch.setattr(run, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(plan, "SOON_SECONDS", (1, 2))
    work_off = run.Run._until_done

    async def and_lose_one(self: run.Run, patience: Patience) -> None:
        await work_off(self, patience)
        with psycopg.connect(house.database_url) as connection:
            row = connection.execute(
                "SELECT n.id FROM notifications_notification n JOIN notifications_task t ON t.id = n.task_id"
                " JOIN notifications_recipient r ON r.id = n.recipient_id AND r.inbox_seq = n.seq"
                " WHERE n.state = 'open' AND t.assignee_id = r.id AND NOT EXISTS (SELECT FROM"
                " notifications_deliveryattempt a JOIN notifications_delivery d ON d.id = a.delivery_id"
                " WHERE d.notification_id = n.id)"
            ).fetchone()
            connection.execute("DELETE FROM notifications_delivery WHERE notification_id = %s", row)
            connection.execute("DELETE FROM notifications_notification WHERE id = %s", row)

    monkeypatch.setattr(run.Run, "_until_done", and_lose_one)

    with pytest.raises(BenchError) as fault:
        run.spent(house, 150)

    said = capsys.readouterr().err
    faults = str(fault.value).splitlines()
    assert [re.sub(r"\d+", "#", each) for each in faults] == [
        "The day does not add up:",
        "# open tasks are not in their assignee's inbox",
        "# inboxes end at another seq than their last item",
        "# events made other rows of the ledger than they say",
        "# events have other rows than they made (a person's rows go with the person)",
        "# messages were made, and # are there",
        "The open inbox of person-# differs from its items.",
    ]
    assert "150 of 150 events" in said
    assert "100% of the events" in said


def test_what_an_event_leaves_is_weighed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftover, "EVENTS", 200)

    figures = asyncio.run(leftover.measure(house))

    assert said(figures) == [
        "An event for one person leaves in the database",
        "An event for one person leaves in the database: indexes",
    ]
    assert 1_000 < (figures[0].ours or 0) < 40_000
    assert 10 < (figures[1].ours or 0) < 90


def test_bursts_are_processed_by_one_and_by_two(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the worker of this house, each time."""
    asked: list[tuple[int, int]] = []

    @contextmanager
    def already_working(house: House, number: int, processes: int) -> Iterator[None]:
        asked.append((number, processes))
        yield

    for name, value in {"working": already_working, "EVENTS": 20, "BATCH": 5, "ROUNDS": 1}.items():
        monkeypatch.setattr(workers, name, value)

    figures = asyncio.run(workers.measure(house))

    assert asked == [(1, 1), (1, 2), (2, 1)]
    assert said(figures) == [
        "Two processes of a cluster: # events, until in inboxes",
        "Two `manage.py worker`: # events, until in inboxes",
    ]
    assert workers.alive(house, since=0) == 1
    assert workers.alive(house, since=time.time() + 60) == 0


def test_a_slow_phone_shows_a_small_inbox(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_paint, "ITEMS", 12)
    monkeypatch.setattr(first_paint, "VISITS", 1)

    figures = asyncio.run(first_paint.measure(house))

    assert said(figures) == [
        "Inbox of # items on a slow phone: first content",
        "Inbox of # items, a first visit",
    ]
    painted, loaded = (figure.ours or 0 for figure in figures)
    assert painted > 2 * first_paint.SLOW_LINE["latency"], "page and styles, each later by that"
    assert loaded > 20


def test_answers_are_recorded_beside_the_usual_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one: it stops the worker of this house."""
    for name, number in {"PEOPLE": 3, "EACH": 2, "ROUNDS": 1}.items():
        monkeypatch.setattr(answers, name, number)

    assert said(asyncio.run(answers.measure(house))) == ["Answers recorded, # people at once"]

    with psycopg.connect(house.database_url) as connection:
        row = connection.execute(
            "WITH approver AS (SELECT id, inbox_seq FROM notifications_recipient WHERE ref LIKE 'approver-%')"
            " SELECT count(*), count(DISTINCT r.task_id), count(*) FILTER (WHERE c.state = 'waiting'), count(*) FILTER"
            "  (WHERE n.state = 'answered' AND n.outcome->>'action' = 'approve' AND n.read_at IS NOT NULL),"
            " (SELECT count(*) FROM approver WHERE inbox_seq <>"
            "  (SELECT max(seq) FROM notifications_notification WHERE recipient_id = approver.id))"
            " FROM notifications_response r JOIN approver ON approver.id = r.recipient_id"
            " JOIN notifications_callback c ON c.response_id = r.id"
            " JOIN notifications_notification n ON n.id = r.notification_id"
        ).fetchone()
    assert row == (24, 24, 24, 24, 0), "the peer leaves the same rows"
