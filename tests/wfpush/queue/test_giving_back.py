"""What a task had claimed when the database went is not waited for: the process lives, and gives it back."""

import psycopg
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from notifications.models import Event
from notifications.routing import claims, pipeline
from tests.factories import EventFactory
from wfpush import tasks
from wfpush.queue import outbox
from wfpush.queue.outbox import Source

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event() -> Event:
    return EventFactory(due_at=timezone.now())


def claim_and_lose_the_database() -> None:
    (taken,) = outbox.claim(Event.objects.all(), limit=1, lease=claims.LEASE, now=timezone.now())
    assert taken.lease_token
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    made = Source("events", "cluster", lambda now: True, claim_and_lose_the_database)
    monkeypatch.setitem(outbox.by_name(), made.name, made)
    return made


def test_what_was_claimed_is_due_again_at_once(event: Event, source: Source) -> None:
    tasks.run_source(source.name)
    assert outbox.due(Event.objects.filter(pk=event.pk), timezone.now()).exists()


def test_an_event_is_not_to_blame_for_a_database_that_goes(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    def goes(*_: object) -> None:
        fault = psycopg.OperationalError("the connection is lost")
        raise OperationalError("the connection is lost") from fault

    monkeypatch.setattr(pipeline, "process", goes)
    tasks.run_source("events")
    event.refresh_from_db()
    assert event.error == ""
    assert outbox.due(Event.objects.filter(pk=event.pk), timezone.now()).exists()
