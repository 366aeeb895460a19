"""What is said about events that come faster than they are processed: how many, since when, and when there are none."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone, translation
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import DjangoAssertNumQueries

from notifications.models import Engine, Event
from notifications.observability import backlog
from notifications.observability.backlog import Backlog
from tests.factories import EngineFactory
from wfpush.identifiers import lowest_id
from wfpush.tasks import beat

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

Rows = Callable[..., None]


@pytest.fixture
def rows(db: None) -> Rows:
    """Adds events: `came` seconds ago, and done so many seconds ago, if at all."""
    engine = EngineFactory(slug="invoices", name="Invoices")

    def add(count: int, came: float, done: float | None = None, *, now: datetime = NOW, of: Engine = engine) -> None:
        start, ended = now - timedelta(seconds=came), None if done is None else now - timedelta(seconds=done)
        first = lowest_id(start).int | Event.objects.count() + 1
        Event.objects.bulk_create(
            Event(
                id=UUID(int=first + number),
                engine=of,
                source="/s",
                event_id=str(first + number),
                type="task.assigned",
                received_at=start,
                digest="0",
                due_at=None if ended else start,
                processed_at=ended,
            )
            for number in range(count)
        )

    return add


def test_nothing_waits(rows: Rows) -> None:
    rows(120, came=30, done=29)

    assert backlog.of_events(NOW) == Backlog(0, timedelta(0), 2.0, 2.0)
    assert backlog.of_events(NOW).empty_in == 0


def test_a_burst_is_worked_off_and_its_end_is_foretold(rows: Rows) -> None:
    """3,000 came 20 seconds ago at once, and 100 a second are processed since: 1,000 wait for another 10 s."""
    for second in range(20):
        rows(100, came=20, done=second + 0.5)
    rows(1_000, came=20)

    found = backlog.of_events(NOW)

    assert (found.waiting, found.oldest, found.rate_in, found.rate_out) == (1_000, timedelta(seconds=20), 0, 100)
    assert found.empty_in == 10
    assert found.sentence() == (
        "1,000 events wait, the oldest for 20 seconds; at the current rate all are processed in about 10 seconds."
    )


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        (Backlog(40, timedelta(seconds=1), 100, 100), 0.4),
        (Backlog(1, timedelta(seconds=1), 0.1, 0), 10),
        (Backlog(40, timedelta(seconds=11), 100, 100), float("inf")),
        (Backlog(40, timedelta(seconds=11), 100, 104), 10),
    ],
)
def test_what_has_come_just_now_is_no_backlog(found: Backlog, seconds: float) -> None:
    assert found.empty_in == seconds


def test_more_come_than_are_processed(rows: Rows) -> None:
    for second in range(0, 120, 10):
        rows(500, came=second + 5)
        rows(100, came=600, done=second + 5)

    found = backlog.of_events(NOW)

    assert (found.waiting, found.oldest, found.growth) == (6_000, timedelta(seconds=115), pytest.approx(40, rel=0.1))
    assert found.empty_in == float("inf")
    assert "the oldest for 2 minutes; more arrive than are processed: the backlog grows by about 4" in found.sentence()


@pytest.mark.parametrize(
    ("found", "english", "german"),
    [
        (
            Backlog(4_200, timedelta(minutes=3), 5, 40),
            "4,200 events wait, the oldest for 3 minutes; at the current rate all are processed in about 2 minutes.",
            "4.200 Ereignisse warten, das älteste seit 3 Minuten; beim jetzigen Tempo sind alle in etwa 2 Minuten "
            "verarbeitet.",
        ),
        (
            Backlog(4_200, timedelta(hours=2), 60, 20),
            "4,200 events wait, the oldest for 2 hours; more arrive than are processed: the backlog "
            "grows by about 40 a second.",
            "4.200 Ereignisse warten, das älteste seit 2 Stunden; es kommen mehr, als verarbeitet werden, und es "
            "werden etwa 40 mehr in der Sekunde.",
        ),
        (
            Backlog(101, timedelta(seconds=11), 0, 0),
            "101 events wait, the oldest for 11 seconds; at the current rate the backlog does not shrink.",
            "101 Ereignisse warten, das älteste seit 11 Sekunden; beim jetzigen Tempo werden es nicht weniger.",
        ),
    ],
)
def test_it_is_said_in_the_readers_language(found: Backlog, english: str, german: str) -> None:
    with translation.override("en"):
        assert found.sentence() == english
    with translation.override("de"):
        assert found.sentence() == german


def test_what_comes_and_goes_is_not_told(rows: Rows, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    rows(50, came=3_600)  # may wait behind one that fails
    rows(50, came=9)
    with django_assert_num_queries(1):
        assert backlog.find_large(NOW) is None
    rows(1, came=9)
    assert backlog.find_large(NOW) == backlog.of_events(NOW)


def test_a_flood_that_has_just_come_is_not_told(rows: Rows) -> None:
    rows(5_000, came=9)

    assert backlog.find_large(NOW) is None


def test_no_more_rows_are_read_than_a_rate_needs(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "ROWS", 50)
    for second in range(10):
        rows(25, came=second + 1, done=second + 1)

    assert (backlog.of_events(NOW).rate_in, backlog.of_events(NOW).rate_out) == (25, 25)


def test_it_takes_three_queries_that_use_indexes(rows: Rows, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    rows(200, came=30, done=20)
    rows(200, came=20)
    with django_assert_num_queries(3) as asked:
        backlog.of_events(NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        plans = []
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {query['sql']}")
            plans.append(json.dumps(cursor.fetchone()[0]))
    for plan, index in zip(plans, ["event_queue", "notifications_event_pkey", "event_processed"], strict=True):
        assert index in plan
        assert '"Sort"' not in plan


# --- where it is said -------------------------------------------------------------------------------------------------
@pytest.fixture
def flood(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """300 events since half a minute, and 4 a second more than are processed."""
    monkeypatch.setenv("WFPUSH_WORKER", "worker-1/0123456789ab")
    beat()
    rows(300, came=30, now=timezone.now())
    rows(60, came=5, now=timezone.now())


def test_a_backlog_is_a_note_and_keeps_nobody_away(flood: None) -> None:
    answer = Client(headers={"Accept-Language": "de"}).get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    (note,) = answer.json()["notes"]
    assert re.fullmatch(r"360 events wait, the oldest for 3\d seconds; more arrive than are processed: .* 4 .*", note)


def test_prometheus_reads_it(flood: None) -> None:
    other = EngineFactory(slug="claims")
    Event.objects.filter(event_id__in=Event.objects.values("event_id")[:10]).update(engine=other)
    text = Client().get("/metrics").content.decode()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["wfpush_events_in_per_second",] == pytest.approx(4, abs=0.3)
    assert samples["wfpush_events_out_per_second",] == 0
    assert samples["wfpush_events_empty_in_seconds",] == float("inf")
    assert samples["wfpush_engine_events", "invoices"] == 350
    assert samples["wfpush_engine_events", "claims"] == 10
