"""Events in: every mode, every answer of docs/api/events.md's table."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from notifications.intake import ingest
from notifications.intake.throttling import LIMITS
from notifications.models import Event, EventStatus, Notification
from notifications.routing import pipeline
from tests.factories import EngineFactory
from tests.support.api import BATCH, STRUCTURED, Caller, assigned, engine_caller, is_problem, pointers, stored
from tests.support.story import Story
from wfpush.web.bodylimit import BATCH_LIMIT, BODY_LIMIT

CE = {"ce_specversion": "1.0", "ce_id": "e-1", "ce_source": "/engines/invoices", "ce_type": "task.assigned"}


# --- taken ----------------------------------------------------------------------------------------
def test_an_event_is_stored_and_told_where_its_trace_is(engine: Caller) -> None:
    answer = engine.send(assigned(), type=STRUCTURED)

    [event] = stored()
    url = f"{settings.BASE_URL}/api/v1/events/{event.pk}"
    assert answer.status_code == 202
    assert answer.headers["Location"] == url
    assert answer.json() == {
        "id": "e-1",
        "source": "/engines/invoices",
        "type": "task.assigned",
        "status": "accepted",
        "url": url,
    }


def test_plain_json_and_binary_mode_say_the_same(engine: Caller) -> None:
    assert engine.send(assigned(), type="application/json; charset=utf-8").status_code == 202
    assert engine.send(assigned(), type=STRUCTURED).json()["status"] == "duplicate"
    assert engine.send(assigned()["data"], **CE).json()["status"] == "duplicate"
    assert Event.objects.count() == 1


def test_a_retry_has_no_second_effect(engine: Caller) -> None:
    first, again = engine.send(assigned()), engine.send(assigned())

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json() | {"status": "duplicate"}
    assert again.headers["Location"] == first.headers["Location"]


def test_the_same_id_with_other_content_is_refused(engine: Caller) -> None:
    engine.send(assigned())

    assert is_problem(engine.send(assigned(task={"name": "Approve invoice 4712"})), 409, "event_id_reused")
    assert Event.objects.get().data["task"]["name"] == "Approve invoice 4711"


def test_ids_are_any_text(engine: Caller) -> None:
    name = "T/42 ü 😀 %2F \\ \" '"

    assert engine.send(assigned(name, task={"id": name})).json()["id"] == name
    assert Event.objects.get().event_id == name


# --- refused --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [b"no JSON", b'{"id": "a", "id": "a"}'],
)
@pytest.mark.parametrize("type", [STRUCTURED, "application/json", BATCH])
def test_what_is_not_strict_json_is_malformed(engine: Caller, body: bytes, type: str) -> None:
    assert is_problem(engine.send(body, type=type), 400, "malformed")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": None}, "/id"),
        ({"task": {"name": "\x00"}}, "/data/task/name"),
        ({"task": {"name": "\ud800"}}, "/data/task/name"),
        ({"task": {"assignee": None}}, "/data/task/assignee"),
    ],
)
def test_what_is_no_valid_event_is_pointed_at(engine: Caller, change: dict[str, Any], pointer: str) -> None:
    answer = engine.send(assigned(**change))

    assert pointers(answer, "invalid_event") == [pointer]
    assert not Event.objects.exists()


@pytest.mark.parametrize("type", ["text/plain", "application/cloudevents+avro", "multipart/form-data", ""])
def test_other_types_of_content_are_not_read(engine: Caller, type: str) -> None:
    assert is_problem(engine.send(assigned(), type=type), 415, "unsupported_media_type")


def test_a_body_over_1_mib_is_too_large(engine: Caller) -> None:
    assert is_problem(engine.send(b" " * (BODY_LIMIT + 1)), 413, "too_large")


def test_members_of_our_own_rows_are_ignored(engine: Caller) -> None:
    claims = EngineFactory(slug="claims")

    engine.send(assigned(engine=claims.slug, state="answered", is_staff=True, status="failed", digest="x", group="y"))

    [event] = stored()
    assert (event.engine.slug, event.status, event.group) == ("invoices", "accepted", "task:T-42")
    assert len(event.digest) == 64


# --- batches --------------------------------------------------------------------------------------
def test_a_batch_is_taken_as_a_whole(engine: Caller) -> None:
    answer = engine.send([assigned("e-1"), assigned("e-2"), assigned("e-1")], type=BATCH)

    assert answer.status_code == 202
    assert [(item["id"], item["status"]) for item in answer.json()["items"]] == [
        ("e-1", "accepted"),
        ("e-2", "accepted"),
        ("e-1", "duplicate"),
    ]
    assert {item["url"] for item in answer.json()["items"]} == {
        f"{settings.BASE_URL}/api/v1/events/{event.pk}" for event in stored()
    }


def test_the_good_ones_of_a_batch_are_kept(engine: Caller) -> None:
    engine.send(assigned("e-0"))
    nul = assigned("e-3", task={"name": "\x00"})
    batch = [assigned("e-1"), assigned("e-2", specversion="0.3"), assigned("e-0", type="task.updated"), "no event", nul]
    answer = engine.send(batch, type=BATCH)

    assert answer.status_code == 207
    good, bad, reused, none, unclean = answer.json()["items"]
    assert good["status"] == "accepted"
    assert (bad["id"], bad["status"], bad["problem"]["code"]) == ("e-2", "rejected", "invalid_event")
    assert [fault["pointer"] for fault in bad["problem"]["errors"]] == ["/specversion"]
    assert (reused["id"], reused["problem"]["code"], reused["problem"]["status"]) == ("e-0", "event_id_reused", 409)
    assert (none["id"], none["status"]) == (None, "rejected")
    assert [fault["pointer"] for fault in unclean["problem"]["errors"]] == ["/data/task/name"]
    assert [event.event_id for event in stored()] == ["e-0", "e-1"]


def test_a_batch_of_which_nothing_is_taken_is_a_problem_with_its_items(engine: Caller) -> None:
    answer = engine.send([assigned("e-1", time="x"), 5], type=BATCH)

    assert pointers(answer, "invalid_event") == ["/0/time", "/1"]
    assert [item["status"] for item in answer.json()["items"]] == ["rejected", "rejected"]


def test_an_empty_batch_is_taken(engine: Caller) -> None:
    answer = engine.send([], type=BATCH)

    assert (answer.status_code, answer.json()) == (202, {"items": []})


def test_an_event_is_no_batch(engine: Caller) -> None:
    assert is_problem(engine.send(assigned(), type=BATCH), 422, "invalid_event")


def test_a_batch_may_have_1000_events_and_16_mib(engine: Caller) -> None:
    batch = [assigned(f"e-{number}", task={"description": "x" * 2000}) for number in range(1000)]

    assert len(json.dumps(batch)) > BODY_LIMIT
    assert engine.send(batch, type=BATCH).status_code == 202
    assert is_problem(engine.send([*batch, assigned("e-1000")], type=BATCH), 413, "too_large")
    assert is_problem(engine.send(b" " * (BATCH_LIMIT + 1), type=BATCH), 413, "too_large")
    assert Event.objects.count() == 1000


# --- while things are away ------------------------------------------------------------------------
def test_while_the_database_is_away_nothing_is_accepted(engine: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(ingest, "_insert", away)
    answer = engine.send(assigned())

    assert is_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


# --- the handshake --------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/engines/invoices/events"])
def test_the_abuse_protection_handshake(client: Any, path: str) -> None:
    answer = client.options(
        path, headers={"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120"}
    )

    assert answer.status_code == 200
    assert "POST" in answer.headers["Allow"]
    assert answer.headers["WebHook-Allowed-Origin"] == "eventemitter.example.com"
    assert answer.headers["WebHook-Allowed-Rate"] == "120"


@pytest.mark.parametrize("rate", ["9999999999", "9" * 5_000, "²", "-1", "1e9", "*", ""])
def test_whatever_rate_is_asked_for_no_more_than_the_limit_is_allowed(client: Any, rate: str) -> None:
    asked = {"WebHook-Request-Origin": "x", "WebHook-Request-Rate": rate}
    answer = client.options("/api/v1/events", headers=asked)

    assert answer.status_code == 200
    assert int(answer.headers["WebHook-Allowed-Rate"]) == LIMITS["key"]


def test_no_rate_is_allowed_without_an_origin(client: Any) -> None:
    assert "WebHook-Allowed-Origin" not in client.options("/api/v1/events").headers


# --- what becomes of it ---------------------------------------------------------------------------
def test_events_of_unknown_types_and_for_unknown_people_are_stored_counted_and_shown(story: Story) -> None:
    engine = engine_caller(story.engine)
    unrouted = engine.send(assigned("e-1", type="acme.unheard_of", data={})).json()["url"]
    unresolved = engine.send(assigned("e-2", task={"assignee": "nobody"})).json()["url"]
    pipeline.drain()

    trace = engine.get(unrouted.removeprefix(settings.BASE_URL)).json()
    assert trace["status"] == EventStatus.UNROUTED
    assert all(not route["matched"] and route["reason"] for route in trace["routes"])
    assert [one["ref"] for one in engine.get(unresolved.removeprefix(settings.BASE_URL)).json()["unresolved"]] == [
        "nobody"
    ]
    assert Event.objects.get(event_id="e-2").unresolved == 1


def test_an_event_sent_many_times_is_one_notification(story: Story) -> None:
    """At the same time: tests/notifications/intake/test_ingest.py."""
    engine = engine_caller(story.engine)

    answers = [engine.send(assigned()).status_code for _ in range(10)]
    pipeline.drain()

    assert answers == [202, *[200] * 9]
    assert Notification.objects.filter(recipient=story.bob).count() == 1


def test_a_task_that_is_completed_before_it_is_assigned_asks_nobody(story: Story) -> None:
    """Every order: tests/notifications/cases/test_task_state.py."""
    engine = engine_caller(story.engine)
    engine.send(assigned("e-2", type="task.completed", time="2026-11-02T10:00:00Z"))
    engine.send(assigned("e-1", time="2026-11-02T09:00:00Z"))
    pipeline.drain()

    assert engine.get("/api/v1/tasks/T-42").json()["state"] == "completed"
    assert not Notification.objects.filter(state="open").exists()
