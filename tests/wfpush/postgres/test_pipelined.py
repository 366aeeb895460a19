"""Statements that are not waited for: all are done in their order, and a fault of one undoes the transaction."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from notifications.models import Engine, Event
from tests.factories import EngineFactory
from wfpush.postgres import bulk
from wfpush.postgres.bulk import pipelined

pytestmark = pytest.mark.django_db
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


def event(engine: Engine, name: str) -> Event:
    return bulk.new(
        Event, engine=engine, source="s", event_id=name, type="task.assigned", received_at=NINE, processed_at=NINE,
        digest="d",
    )  # fmt: skip


def test_statements_are_done_in_their_order_and_results_can_be_read() -> None:
    engine = EngineFactory()
    with pipelined():
        bulk.insert([event(engine, str(number)) for number in range(bulk.MAX_ROWS + 1)])
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM notifications_event")
            assert cursor.fetchall() == [(bulk.MAX_ROWS + 1,)]
        with connection.cursor() as cursor:
            cursor.execute("UPDATE notifications_event SET type = 'changed'")
    assert Event.objects.filter(type="changed").count() == bulk.MAX_ROWS + 1


def test_the_fault_of_a_statement_is_raised_at_the_end_at_the_latest() -> None:
    engine = EngineFactory()
    with pytest.raises(IntegrityError, match="event_is_unique"), transaction.atomic(), pipelined():
        bulk.insert([event(engine, "twice"), event(engine, "twice")])
        bulk.insert([event(engine, "another")])
    assert not Event.objects.exists()
    bulk.insert([event(engine, "later")])
    assert Event.objects.count() == 1


def test_a_fault_of_our_own_leaves_a_connection_that_works() -> None:
    engine = EngineFactory()
    with pytest.raises(KeyError), transaction.atomic(), pipelined():
        bulk.insert([event(engine, "undone")])
        raise KeyError
    assert not Event.objects.exists()
