"""What a load balancer, an orchestrator and Prometheus read, and what strangers may not."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import redis
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from notifications.admin.desk.alarms import silent_parts
from notifications.connectors.base import Result
from notifications.engines import callback, callback_claims
from notifications.models import Callback, Delivery, Engine, Event
from notifications.reasons import said
from notifications.routing import route
from tests.factories import EventFactory
from tests.support.length import some
from tests.support.story import Story
from wfpush.models import Heartbeat
from wfpush.observability import readiness, write_checks
from wfpush.queue import lease_holder, outbox
from wfpush.tasks import beat

STRANGER = "203.0.113.7"
WORKER = "worker-1/0123456789ab"
TOKEN = "a-token-for-prometheus"
LATE = timedelta(minutes=3)

with_database = pytest.mark.django_db


def get(path: str, *, peer: str = "127.0.0.1", **headers: str) -> HttpResponse:
    return Client(REMOTE_ADDR=peer, headers=headers).get(path)  # type: ignore[return-value]


def ready(**how: str) -> tuple[int, dict[str, Any]]:
    answer = get("/readyz", **how)
    return answer.status_code, answer.json()  # type: ignore[attr-defined]


def faults() -> dict[str, str]:
    """The parts that are not well, with their reasons."""
    status, body = ready()
    assert status == (200 if body["status"] == "ok" else 503)
    return {name: reason for name, reason in body["checks"].items() if reason != "ok"}


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lease_holder.WORKER, WORKER)
    beat()


# --- alive ----------------------------------------------------------------------------------------
def test_a_process_is_alive_whatever_became_of_its_database() -> None:
    answer = get("/healthz", peer=STRANGER)  # pytest-django refuses every query here

    assert (answer.status_code, answer.content) == (200, b'{"status": "ok"}')
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_nothing_can_be_sent_to_them(path: str) -> None:
    answer = Client().post(path)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["code"] == "method_not_allowed"


# --- ready ----------------------------------------------------------------------------------------
@with_database
def test_all_is_well(worker: None) -> None:
    status, body = ready()

    assert (status, body["status"]) == (200, "ok")
    assert set(body["checks"]) == {
        "database",
        "redis",
        "schema",
        "worker",
        "events",
        "conversation",
        "expiry",
        "snoozes",
        "link_mails",
        "deliveries",
        "escalations",
        "callbacks",
        "polls",
        "outgoing_events",
        "replays",
        "erasures",
        "pruning",
        "rota_feeds",
        "absence_feeds",
        "held_reviews",
        "entitlements",
        "scim_departures",
        "password_requests",
        "security_mails",
        "services",
    }
    assert set(body["checks"].values()) == {"ok"}


@with_database
def test_without_a_worker_nothing_is_ready() -> None:
    assert faults() == {"worker": "has never run a task; start `manage.py worker`"}


@with_database
def test_a_worker_that_was_stopped_may_be_started_again_before_it_is_missed(worker: None) -> None:
    stopped_at = timezone.now() - timedelta(seconds=5)
    Heartbeat.objects.update(stopped_at=stopped_at)
    said = f"was stopped at {stopped_at:%Y-%m-%d %H:%M:%S} UTC, and nothing is processed since"

    assert ready()[1]["notes"] == [f"worker {WORKER} {said}: start one"]
    assert faults() == {}
    Heartbeat.objects.update(stopped_at=stopped_at - readiness.RESTART)
    assert faults()["worker"].endswith("UTC, and nothing is processed since; start `manage.py worker`")


@with_database
def test_a_worker_that_stopped_running_tasks_is_missed(worker: None) -> None:
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(seconds=75))

    assert faults() == {"worker": "ran its last task 75 s ago; is `manage.py worker` up?"}


@with_database
def test_one_of_two_workers_that_stopped_running_tasks_is_named_and_keeps_nobody_away(worker: None) -> None:
    Heartbeat.objects.create(name="other/ba9876543210", beat_at=timezone.now() - timedelta(seconds=75))

    status, body = ready()

    assert status == 200
    assert body["notes"] == ["worker other/ba9876543210 ran its last task 75 s ago"]


@with_database
def test_a_worker_that_was_stopped_is_not_missed_while_another_runs(worker: None) -> None:
    Heartbeat.objects.create(name="other/ba9876543210", beat_at=timezone.now(), stopped_at=timezone.now())

    status, body = ready()

    assert (status, body["notes"], body["checks"]["worker"]) == (200, [], "ok")


@with_database
def test_a_worker_that_was_killed_is_missed_at_once_on_its_machine(worker: None) -> None:
    """The kernel knows that no process of it lives."""
    killed = f"worker-1/{lease_holder.new_id()}"
    Heartbeat.objects.update(name=killed, machine=lease_holder.machine())
    process = lease_holder.claim(killed.rpartition("/")[2])
    assert process is not None and faults() == {}

    process.close()
    assert faults() == {"worker": "was killed or has crashed; start `manage.py worker`"}
    assert silent_parts(timezone.now()) == [f"The worker {killed} has sent no heartbeat for 0 s: is it running?"]

    Heartbeat.objects.create(name=WORKER, beat_at=timezone.now() - timedelta(seconds=5))
    assert faults() == {}
    assert ready()[1]["notes"] == [f"worker {killed} was killed or has crashed"]


@with_database
def test_an_event_nobody_processes_is_missed(worker: None) -> None:
    EventFactory(due_at=timezone.now() - LATE)

    assert faults() == {"events": "work has been due for over 120 s"}


@with_database
def test_an_event_that_came_just_now_is_not_late(worker: None) -> None:
    EventFactory(due_at=timezone.now() - timedelta(seconds=5))

    assert faults() == {}


@with_database
def test_events_behind_one_that_is_tried_again_are_not_late(worker: None) -> None:
    now = timezone.now()
    faulty = EventFactory(due_at=now + LATE, group="task:T-42")
    EventFactory(due_at=now - LATE, group="task:T-42", engine=faulty.engine)

    assert faults() == {}


@with_database
def test_a_task_past_its_end_that_still_takes_answers_is_missed(worker: None) -> None:
    Story.begin().assign(expires_at=(timezone.now() - LATE).isoformat())

    assert faults()["expiry"] == "work has been due for over 120 s"


@with_database
def test_bobs_mail_and_alices_engine_that_wait_are_missed(worker: None) -> None:
    story = Story.begin()
    story.assign()
    story.answer(story.bob, "approve")
    Delivery.objects.filter(channel="email").update(due_at=timezone.now() - LATE, state="pending")
    Callback.objects.update(due_at=timezone.now() - LATE)

    assert set(faults()) == {"deliveries", "callbacks"}


@with_database
def test_answers_to_an_engine_that_is_gone_wait_for_an_administrator_not_for_a_worker(worker: None) -> None:
    story = Story.begin()
    story.assign()
    story.answer(story.bob, "approve")
    Callback.objects.update(due_at=timezone.now() - LATE)
    Engine.objects.update(callback_disabled_at=timezone.now())

    assert "callbacks" not in faults()


@pytest.mark.ci
@with_database
def test_without_redis_it_says_so_at_once(worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_connection", redis.Redis(port=free_port()))

    assert faults() == {
        "redis": f"does not answer (ConnectionError); start it, or correct REDIS_URL: {write_checks.WITHOUT_REDIS}"
    }


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A database server that takes connections and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.ci
def test_a_database_that_is_silent_is_not_waited_for(
    silent_server: int, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    config = connections["default"].settings_dict
    monkeypatch.setitem(config, "HOST", "127.0.0.1")
    monkeypatch.setitem(config, "PORT", str(silent_server))
    settings.METRICS_TOKEN = TOKEN

    began = time.monotonic()
    assert faults() == {"database": "does not answer (ConnectionTimeout); start it, or correct DATABASE_URL"}
    answer = get("/metrics", authorization=f"Bearer {TOKEN}")
    assert time.monotonic() - began < 4 * write_checks.CONNECT_SECONDS

    assert numbers(answer)["wfpush_up", "database"] == 0
    assert numbers(answer)["wfpush_up", "redis"] == 1


def test_a_database_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    config = connections["default"].settings_dict
    monkeypatch.setitem(config, "HOST", "127.0.0.1")
    monkeypatch.setitem(config, "PORT", str(free_port()))

    assert faults() == {"database": "does not answer (OperationalError); start it, or correct DATABASE_URL"}


# --- who may look inside --------------------------------------------------------------------------
@with_database
@pytest.mark.parametrize(
    ("peer", "headers", "inside"),
    some(
        [
            ("127.0.0.1", {}, True),
            ("127.8.8.8", {}, True),
            ("::1", {}, True),
            ("::ffff:127.0.0.1", {}, True),
            (STRANGER, {}, False),
            ("10.0.0.1", {}, False),
            ("::ffff:203.0.113.7", {}, False),
            ("", {}, False),
            (STRANGER, {"X-Forwarded-For": "127.0.0.1"}, False),
            ("127.0.0.1", {"X-Forwarded-For": STRANGER}, False),
            ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, False),
            (STRANGER, {"Authorization": f"Bearer {TOKEN}"}, True),
            ("127.0.0.1", {"X-Forwarded-For": STRANGER, "Authorization": f"bearer {TOKEN}"}, True),
            (STRANGER, {"Authorization": "Bearer something-else"}, False),
            (STRANGER, {"Authorization": "Bearer "}, False),
            (STRANGER, {"Authorization": f"Basic {TOKEN}"}, False),
            (STRANGER, {"Authorization": "Bearer ünknown"}, False),
        ],
        8,
    ),
)
def test_reasons_are_for_this_machine_and_for_the_token(
    worker: None, settings: Settings, peer: str, headers: dict[str, str], inside: bool
) -> None:
    settings.METRICS_TOKEN = TOKEN

    status, body = ready(peer=peer, **headers)
    scrape = get("/metrics", peer=peer, **headers)

    assert status == 200
    assert ("checks" in body) is inside
    assert scrape.status_code == (200 if inside else 401)


@with_database
def test_a_stranger_learns_that_it_is_not_ready_but_not_why(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert ready(peer=STRANGER) == (503, {"status": "unavailable"})


@with_database
def test_without_a_token_in_the_settings_none_is_right(worker: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        assert ready(peer=STRANGER, **headers) == (200, {"status": "ok"})
        answer = get("/metrics", peer=STRANGER, **headers)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


# --- numbers --------------------------------------------------------------------------------------
def numbers(answer: HttpResponse) -> dict[tuple[str, ...], float]:
    """(metric, values of its labels …) → number."""
    families = text_string_to_metric_families(answer.content.decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


@with_database
def test_prometheus_counts_a_story(worker: None) -> None:
    story = Story.begin()
    story.assign("T-1")
    story.assign("T-2", assignee="alice")
    story.happen("com.acme.unheard_of", {"recipients": []})
    story.answer(story.bob, "approve", task_id="T-1")

    answer = get("/metrics")
    found = numbers(answer)

    assert answer["Content-Type"].startswith("text/plain; version=")
    assert found["wfpush_events", "processed"] == Event.objects.filter(status="processed").count() > 0
    assert found["wfpush_tasks", "answered"] == found["wfpush_tasks", "open"] == 1
    assert found["wfpush_deliveries", "live", "delivered"] == 2
    assert found["wfpush_deliveries", "email", "superseded"] == 1, "Bob has answered"
    assert found["wfpush_deliveries", "email", "suppressed"] == 1, "Alice has no address"
    assert found["wfpush_callbacks", "waiting"] == 1
    assert found["wfpush_due", "callbacks"] == 1
    assert found["wfpush_due", "events"] == found["wfpush_oldest_due_seconds", "events"] == 0
    assert 0 <= found["wfpush_heartbeat_age_seconds", WORKER] < 60
    assert found["wfpush_up", "database"] == found["wfpush_up", "redis"] == 1
    assert found["process_open_fds",] > 0


@with_database
def test_prometheus_sees_how_long_the_oldest_waits_and_which_addresses_are_disabled() -> None:
    story = Story.begin()
    story.assign()
    story.answer(story.bob, "approve")
    Callback.objects.update(due_at=timezone.now() - LATE)
    EventFactory(due_at=timezone.now() - LATE)
    EventFactory(due_at=timezone.now() - LATE / 2)
    Engine.objects.filter(pk=story.engine.pk).update(callback_disabled_at=timezone.now())

    found = numbers(get("/metrics"))

    assert found["wfpush_due", "events"] == 2
    assert found["wfpush_oldest_due_seconds", "events"] == pytest.approx(LATE.total_seconds(), abs=10)
    assert found["wfpush_due", "callbacks"] == 0, "it waits for an administrator"
    assert found["wfpush_disabled_endpoints",] == 1


@with_database
def test_prometheus_sees_what_fails_while_it_is_still_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story.begin()
    story.assign("T-1")
    story.assign("T-2")
    story.answer(story.bob, "approve", task_id="T-1")
    story.answer(story.bob, "approve", task_id="T-2")
    assert not any(each for name, each in numbers(get("/metrics")).items() if name[0] == "wfpush_retried")

    def stumble(*_: Any) -> None:
        raise LookupError("no such calendar")

    monkeypatch.setattr(route, "match", stumble)
    assert story.assign("T-3").status == "accepted"
    [sent] = outbox.claim(Callback.objects.all(), limit=1, lease=callback_claims.LEASE, now=timezone.now())
    callback.record(sent, Result("later", 503, said("The engine answered 503.")), timezone.now())
    found = numbers(get("/metrics"))

    assert found["wfpush_retried", "events"] == 1
    assert found["wfpush_retried", "callbacks"] == 1
    assert found["wfpush_retried", "deliveries"] == 0
    assert ("wfpush_events", "failed") not in found, "it is not given up"


@with_database
def test_answers_that_an_engine_without_an_address_fetches_do_not_wait_for_anybody(worker: None) -> None:
    story = Story.begin()
    story.assign()
    story.answer(story.bob, "approve")
    Callback.objects.update(due_at=timezone.now() - LATE)
    Engine.objects.update(callback_url="")

    found = numbers(get("/metrics"))

    assert found["wfpush_kept_answers",] == 1
    assert ("wfpush_callbacks", "waiting") not in found
    assert found["wfpush_due", "callbacks"] == 0
    assert "callbacks" not in faults()


@with_database
def test_numbers_that_take_too_long_are_left_out_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "STATEMENT_MS", 100)

    with psycopg.connect(**connections["default"].get_connection_params()) as migration:
        migration.execute("LOCK TABLE notifications_device IN ACCESS EXCLUSIVE MODE")
        found = numbers(get("/metrics"))

    assert found["wfpush_up", "database"] == 0
    assert found["wfpush_due", "events"] == 0, "the others were told"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
