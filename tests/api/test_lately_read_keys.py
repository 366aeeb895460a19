"""A call with events goes by what was read of its key for the call before it, and no further than to where that is
still true."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.intake import api_keys, ingest
from notifications.intake.api_keys import LATELY_SECONDS, LatelyRead
from notifications.models import ApiKey, Engine, Event
from notifications.types import InboundEvent
from tests.factories import EngineFactory
from tests.support.api import BATCH, Caller, assigned, engine_caller, is_problem, stored
from tests.support.at_once import at_once

CHANGES: dict[str, tuple[Callable[[], Any], int, str]] = {
    "revoked": (lambda: ApiKey.objects.update(revoked_at=timezone.now()), 401, "unauthenticated"),
    "expired": (lambda: ApiKey.objects.update(expires_at=timezone.now()), 401, "unauthenticated"),
    "of an engine that is off": (lambda: Engine.objects.update(active=False), 401, "unauthenticated"),
    "removed": (lambda: ApiKey.objects.all().delete(), 401, "unauthenticated"),
    "without the scope": (lambda: ApiKey.objects.update(scopes=["people"]), 403, "scope_missing"),
}
BODIES: dict[str, tuple[Any, str]] = {
    "an event": (assigned("e-2"), "application/json"),
    "a batch": ([assigned("e-2"), assigned("e-3")], BATCH),
    "an empty batch": ([], BATCH),
    "a duplicate": (assigned("e-1"), "application/json"),
    "no event": ({"specversion": "1.0"}, "application/json"),
    "no JSON": (b"{", "application/json"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("sent", BODIES)
def test_a_key_that_has_just_been_used_and_has_ended_since_is_refused(engine: Caller, change: str, sent: str) -> None:
    assert engine.send(assigned("e-1")).status_code == 202
    happens, status, code = CHANGES[change]
    body, type = BODIES[sent]
    happens()

    assert is_problem(engine.send(body, type=type), status, code)
    assert is_problem(engine.post("/api/v1/engines/invoices/events", body, type=type), status, code)
    assert [event.event_id for event in stored()] == ["e-1"]


def test_a_key_is_read_once_for_calls_that_follow_each_other(engine: Caller) -> None:
    engine.send(assigned("e-1"))

    with CaptureQueriesContext(connection) as asked:
        assert engine.send(assigned("e-2")).status_code == 202

    reading = [query["sql"] for query in asked.captured_queries if "notifications_apikey" in query["sql"]]
    storing = [query["sql"] for query in asked.captured_queries if "INSERT INTO notifications_event" in query["sql"]]
    assert (len(reading), len(storing)) == (1, 1)
    order = [query["sql"] for query in asked.captured_queries]
    assert order.index(storing[0]) == order.index(reading[0]) + 1, "it is read when they are stored"


def test_what_a_key_is_given_counts_at_once(invoices: Engine) -> None:
    engine = engine_caller(invoices, scopes=["events", "people"])
    assert engine.send(assigned("e-1")).status_code == 202
    ApiKey.objects.update(scopes=["people"])
    assert is_problem(engine.send(assigned("e-2")), 403, "scope_missing")
    ApiKey.objects.update(scopes=["events"])

    assert engine.send(assigned("e-2")).status_code == 202


def test_what_is_changed_of_an_engine_counts_at_once(engine: Caller, invoices: Engine) -> None:
    assert engine.send(assigned("e-1")).status_code == 202
    Engine.objects.update(most_waiting=1)
    assert is_problem(engine.send(assigned("e-2", task={"id": "T-43"})), 429, "too_many_requests")
    Engine.objects.update(most_waiting=None)
    assert engine.send(assigned("e-2", task={"id": "T-43"})).status_code == 202
    Engine.objects.update(slug="bills")

    assert is_problem(engine.post("/api/v1/engines/invoices/events", assigned("e-3")), 404, "not_found")
    assert engine.post("/api/v1/engines/bills/events", assigned("e-3")).status_code == 202


def test_other_calls_never_go_by_what_was_read_before(engine: Caller) -> None:
    engine.send(assigned("e-1"))
    ApiKey.objects.update(revoked_at=timezone.now())

    assert is_problem(engine.get("/api/v1/tasks/T-42"), 401, "unauthenticated")


def test_the_last_use_of_a_busy_key_is_noted_once_a_minute(engine: Caller) -> None:
    for number in range(3):
        engine.send(assigned(f"e-{number}"))
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    engine.send(assigned("e-3"))  # goes by what was read before, and reads it

    with CaptureQueriesContext(connection) as asked:
        engine.send(assigned("e-4"))
        engine.send(assigned("e-5"))

    notes = [query["sql"] for query in asked.captured_queries if 'SET "last_used_at"' in query["sql"]]
    assert len(notes) == 1
    assert timezone.now() - ApiKey.objects.get().last_used_at < timedelta(minutes=1)


def test_what_was_read_is_gone_by_for_a_second_and_no_longer_than_the_key_lasts(engine: Caller) -> None:
    now = timezone.now()
    lately = LatelyRead()
    digest = ApiKey.objects.get().digest
    assert lately.get(digest, now) is None
    assert lately.fresh("unknown", now) is None
    ApiKey.objects.update(expires_at=now + timedelta(seconds=LATELY_SECONDS / 2))

    key = lately.fresh(digest, now)

    assert key is not None and lately.get(digest, now) is key
    assert lately.get(digest, now + timedelta(seconds=LATELY_SECONDS / 2)) is None, "it has expired"
    assert lately.get(digest, now - timedelta(seconds=1)) is None, "the clock was put back"
    ApiKey.objects.update(expires_at=None)
    lately.fresh(digest, now)
    assert lately.get(digest, now + timedelta(seconds=LATELY_SECONDS)) is None


def test_what_is_kept_of_keys_is_bounded(engine: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MOST_KEPT", 2)
    others = [engine_caller(EngineFactory()) for _ in range(3)]
    now, lately = timezone.now(), LatelyRead()
    digests = list(ApiKey.objects.values_list("digest", flat=True))
    assert len(digests) == len(others) + 1

    for digest in digests:
        lately.fresh(digest, now)

    kept = [digest for digest in digests if lately.get(digest, now)]
    assert 1 <= len(kept) <= 2
    assert lately.get(digests[-1], now) is not None


@pytest.mark.django_db(transaction=True)
def test_of_callers_whose_events_are_stored_together_those_whose_key_has_ended_are_refused() -> None:
    good, bad = EngineFactory(), EngineFactory()
    now = timezone.now()
    keys = {}
    for engine in (good, bad):
        engine_caller(engine)
        digest = ApiKey.objects.get(engine=engine).digest
        keys[engine.pk] = api_keys.read(digest, now)
    ApiKey.objects.filter(engine=bad).update(revoked_at=now)

    def one(number: int) -> str:
        engine = bad if number % 4 == 0 else good
        event = InboundEvent(id=f"e-{number}", source="/s", type="task.assigned", data={}, digest=f"d-{number}")
        try:
            [accepted] = ingest.accept(engine, [event], timezone.now(), keys[engine.pk])
            return accepted.status
        except ingest.KeyChanged:
            return "key changed"

    told = at_once(*[partial(one, number) for number in range(8)])

    assert told == ["key changed" if number % 4 == 0 else "accepted" for number in range(8)]
    assert sorted(Event.objects.values_list("event_id", flat=True)) == ["e-1", "e-2", "e-3", "e-5", "e-6", "e-7"]
