"""Rows are counted as they change, so that /metrics asks nothing that takes longer the more there were."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.db.models import Count
from django.db.transaction import atomic
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Callback, Delivery, Event, Task
from tests.factories import EventFactory, NotificationFactory
from tests.support.documentation import ROOT
from tests.support.story import Story
from tests.wfpush.observability.test_metrics import numbers
from wfpush import tasks
from wfpush.identifiers import lowest_id
from wfpush.models import Tally
from wfpush.observability import tallies

MANY = 200_000
PORTION = 50_000


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def counted() -> dict[str, dict[tuple[str, str], int]]:
    """What there is, by looking at every row."""
    by = {
        "events": (Event, "status", None),
        "tasks": (Task, "state", None),
        "deliveries": (Delivery, "state", "channel"),
        "callbacks": (Callback, "state", "engine_id"),
    }
    found: dict[str, dict[tuple[str, str], int]] = {}
    for name, (model, state, kind) in by.items():
        rows = model._default_manager.order_by().values_list(*filter(None, (kind, state))).annotate(Count("pk"))
        found[name] = {(str(key[0]) if kind else "", key[-1]): count for *key, count in rows}
    return found


def tallied() -> dict[str, dict[tuple[str, str], int]]:
    return {name: tallies.counts(name) for name in ("events", "tasks", "deliveries", "callbacks")}


def told() -> Story:
    """Bob answers one of two tasks and one is cancelled."""
    story = Story.begin()
    for task in ("T-1", "T-2", "T-3"):
        story.assign(task)
    story.answer(story.bob, "approve", task_id="T-1")
    story.happen("task.cancelled", {"task": {"id": "T-2"}})
    return story


@pytest.mark.django_db
def test_what_is_counted_is_what_there_is_whatever_changes_it() -> None:
    story = told()
    assert tallied() == counted()
    assert tallies.counts("tasks")["", "answered"] == 1

    Delivery.objects.update(state="dead")
    assert tallied() == counted()
    Task.objects.filter(task_id="T-3").delete()
    assert tallied() == counted()
    story.engine.delete()
    assert tallied() == counted() == {"events": {}, "tasks": {}, "deliveries": {}, "callbacks": {}}


@pytest.mark.django_db
def test_what_is_undone_was_not_counted() -> None:
    told()
    before = tallied()
    with atomic():
        EventFactory.create_batch(3)
        connection.set_rollback(True)

    assert tallied() == before == counted()


@pytest.mark.django_db
def test_once_a_minute_it_is_added_up_and_says_the_same() -> None:
    told()
    before, rows = tallied(), Tally.objects.count()
    tasks.backstop()

    assert tallied() == before
    assert Tally.objects.count() < rows
    assert not Tally.objects.values("name", "kind", "state").annotate(n=Count("pk")).filter(n__gt=1)


@pytest.mark.django_db(transaction=True)
def test_two_that_add_up_at_once_count_nothing_twice_and_wait_for_nobody() -> None:
    for _ in range(20):
        EventFactory()
    errors: list[Exception] = []
    start = threading.Barrier(3)

    def run(what: Callable[[], object]) -> None:
        try:
            start.wait(10)
            for _ in range(10):
                what()
        except Exception as fault:
            errors.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in (tallies.add_up, tallies.add_up, EventFactory)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert tallied() == counted()
    assert tallies.counts("events") == {("", "accepted"): 30}


@pytest.mark.django_db
def test_rows_that_were_there_before_are_counted_when_it_begins() -> None:
    """As by the migration, on the database of a release."""
    told()
    (file,) = (ROOT / "notifications" / "migrations").glob("*_tallies.py")
    migration = import_module(f"notifications.migrations.{file.stem}")
    for statement in (*migration.undo(), *migration.statements()):
        sql(statement)

    assert tallied() == counted()


@pytest.mark.django_db
def test_how_long_it_took_to_inbox_device_and_engine() -> None:
    began = timezone.now()
    event = EventFactory(pk=lowest_id(began), received_at=began)
    for seconds, number in ((0.3, 1), (4, 2), (4_000, 3)):
        other = EventFactory(received_at=began)
        ended = began + timedelta(seconds=seconds)
        Event.objects.filter(pk=other.pk).update(status="processed", processed_at=ended)
        row = Delivery.objects.create(
            event=event,
            notification=NotificationFactory(),
            recipient=(NotificationFactory()).recipient,
            channel="webpush",
            address=str(number),
            created_at=began,
        )
        Delivery.objects.filter(pk=row.pk).update(state="delivered", ended_at=ended)
    Event.objects.update(lease_until=None)
    found = numbers(Client().get("/metrics"))  # type: ignore[arg-type]

    for name in ("wfpush_event_to_inbox_seconds", "wfpush_event_to_device_seconds"):
        assert [found[f"{name}_bucket", bound] for bound in ("0.5", "2.0", "5.0", "1800.0", "+Inf")] == [1, 1, 2, 2, 3]
        assert found[f"{name}_count",] == 3
        assert found[f"{name}_sum",] == pytest.approx(4004.3, abs=0.01)
    assert found["wfpush_answer_to_engine_seconds_count",] == 0


def many(rows: int, insert: str) -> None:
    """Run an INSERT of `numbers`, in portions: a connection waits 20 s for an answer, and machines are slow."""
    for first in range(1, rows + 1, PORTION):
        last = min(first + PORTION - 1, rows)
        sql(insert.replace("FROM numbers i", f"FROM generate_series({first}, {last}) i"))


@pytest.mark.long
@pytest.mark.django_db
def test_with_many_deliveries_nothing_that_has_ended_is_read() -> None:
    row = NotificationFactory()
    event, recipient = EventFactory(), row.recipient
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    for table in ("delivery", "event"):
        sql(f"ALTER TABLE notifications_{table} DISABLE TRIGGER ALL")
    sql("ALTER TABLE notifications_delivery ENABLE TRIGGER tally_deliveries_insert")
    many(
        MANY,
        f"""INSERT INTO notifications_delivery (id, event_id, notification_id, recipient_id, channel, address, shown_to,
                turn, outdated, state, created_at, ended_at, attempts)
            SELECT gen_random_uuid(), '{event.pk}', '{row.pk}', {recipient.pk}, 'webpush', i::text, '', 0, false,
                'delivered', now(), now(), 1 FROM numbers i""",
    )
    many(
        MANY // 4,
        f"""INSERT INTO notifications_event (id, engine_id, source, event_id, type, subject, received_at,
                processed_at, data, extensions, digest, "group", status, plan, told, unresolved, error, attempts)
            SELECT gen_random_uuid(), {event.engine_id}, 's', i::text, 't', '', now(), now(), '{{}}', '{{}}', '', '',
                'processed', '{{}}', 0, 0, '', 1 FROM numbers i""",
    )
    sql("ANALYZE notifications_delivery, notifications_event, notifications_callback, notifications_task")
    with CaptureQueriesContext(connection) as asked:
        found = numbers(Client().get("/metrics"))  # type: ignore[arg-type]

    assert found["wfpush_up", "database"] == 1
    assert found["wfpush_deliveries", "webpush", "delivered"] == MANY
    questions = [str(each["sql"]) for each in asked.captured_queries if "SELECT" in str(each["sql"])]
    assert len(questions) > 10
    for question in questions:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {question}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert not re.search(r"Seq Scan on notifications_(delivery|event)\b", plan), f"{question}\n{plan}"
