"""Small runs of what is measured under load: answers, bursts for several workers, bytes, and followers of a case."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from bench import answers, followers, leftover, workers
from bench.harness import Figure, House
from tests.test_bench import MigratedHouse

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with MigratedHouse() as house:
        yield house


def said(figures: list[Figure]) -> list[str]:
    """What each is of, without numbers; all were measured."""
    for figure in figures:
        assert figure.ours is not None and figure.ours > 0
        assert figure.peer is None or figure.peer > 0
    return [re.sub(r"\d+", "#", figure.what) for figure in figures]


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
    with psycopg.connect(house.database_url) as connection:
        assert workers.alive(connection, since=0) == 1
        assert workers.alive(connection, since=time.time() + 60) == 0


def test_answers_are_recorded_beside_the_usual_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in {"PEOPLE": 3, "EACH": 2, "ROUNDS": 1}.items():
        monkeypatch.setattr(answers, name, number)

    assert said(asyncio.run(answers.measure(house))) == ["Answers recorded, # people at once"]

    with psycopg.connect(house.database_url) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT task_id),"
            " (SELECT count(*) FROM notifications_callback WHERE state = 'waiting'),"
            " (SELECT count(*) FROM notifications_notification WHERE state = 'answered'"
            "  AND outcome->>'action' = 'approve' AND read_at IS NOT NULL),"
            " (SELECT count(*) FROM notifications_recipient r WHERE ref LIKE 'approver-%' AND inbox_seq <>"
            "  (SELECT max(seq) FROM notifications_notification n WHERE n.recipient_id = r.id))"
            " FROM notifications_response"
        ).fetchone()
    assert row == (24, 24, 24, 24, 0), "the peer leaves the same rows"


def test_followers_are_told_in_four_languages(house: House) -> None:
    house.stop_working()

    seconds, peak = asyncio.run(followers.told(house, 8))

    assert 0 < seconds < 60
    assert 50 < peak < 1_000
