"""Callers are counted by key, person and address; who calls too often is told when to come back."""

import json
import re
from typing import Any

import pytest
import redis
import time_machine
from django.utils import timezone

from notifications.api.frame import base
from notifications.connectors import signatures
from notifications.intake import limit_use, throttling
from notifications.intake.throttling import WINDOW, Bucket, Quota, Throttle
from notifications.models import Engine, Event, Limit, SigningSecret
from tests.api.test_signed_events import send, signed
from tests.factories import RecipientFactory
from tests.support.api import Caller, assigned, engine_caller, is_problem, person_caller
from wfpush.crypto import new_api_key
from wfpush.queue import outbox

NOON = 1_795_600_800.0
"""The beginning of a window."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has called yet."""
    monkeypatch.setattr(base, "throttle", Throttle())
    for key in outbox.connection().scan_iter("wfpush:calls:*"):
        outbox.connection().delete(key)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three calls a minute each."""
    limits: dict[Bucket, int] = {"key": 3, "person": 3, "stranger": 3}
    monkeypatch.setattr(throttling, "LIMITS", limits)


@pytest.mark.usefixtures("few")
def test_an_engine_that_calls_too_often_is_told_when_to_come_back(engine: Caller, invoices: Engine) -> None:
    with time_machine.travel(NOON + 20, tick=False):
        answers = [engine.send(assigned(f"e-{number}")) for number in range(5)]

        assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
        assert is_problem(answers[-1], 429, "too_many_requests")
        assert 40 <= int(answers[-1].headers["Retry-After"]) <= 41
        assert engine_caller(invoices).send(assigned("other key")).status_code == 202
    with time_machine.travel(NOON + WINDOW, tick=False):
        assert engine.send(assigned("e-9")).status_code == 202


ITEM = re.compile(r'"([a-z]+)";([a-z])=(\d+);([a-z])=(\d+)')
"""A String with two Integers as parameters, as RFC 9651 writes them."""


def field(answer: Any, name: str) -> dict[str, dict[str, int]]:
    """A list of RateLimit or RateLimit-Policy: the parameters of each item by its name."""
    items = [ITEM.fullmatch(item) for item in answer.headers[name].split(", ")]
    return {item[1]: {item[2]: int(item[3]), item[4]: int(item[5])} for item in items if item is not None}


def batch(*events: str) -> dict[str, Any]:
    return {"body": [assigned(event) for event in events], "type": "application/cloudevents-batch+json"}


def test_answers_say_what_is_left(engine: Caller, invoices: Engine) -> None:
    """As draft-ietf-httpapi-ratelimit-headers describes it."""
    Limit.objects.create(engine=invoices, most=10)
    with time_machine.travel(NOON + 20, tick=False):
        answers = [engine.send(**batch(*(f"e-{at}-{number}" for number in range(4)))) for at in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    policy = {"key": {"q": throttling.LIMITS["key"], "w": 60}, "engine": {"q": 10, "w": 60}}
    assert [field(answer, "RateLimit-Policy") for answer in answers] == [policy] * 4
    left = [field(answer, "RateLimit")["engine"] for answer in answers]
    assert left == [{"r": each, "t": 41} for each in (6, 2, 0, 0)]
    assert answers[-1].headers["Retry-After"] == "41"
    assert Event.objects.count() == 12, "a batch is accepted while one event fits"


def test_a_key_has_a_limit_of_its_own_from_the_next_minute_on(engine: Caller, invoices: Engine) -> None:
    with time_machine.travel(NOON, tick=False):
        assert engine.send(assigned("e-1")).status_code == 202
        Limit.objects.create(api_key=invoices.api_keys.get(), most=2)
    with time_machine.travel(NOON + WINDOW, tick=False):
        assert [engine.send(assigned(f"e-{number}")).status_code for number in (2, 3, 4)] == [202, 202, 429]
        assert engine_caller(invoices).send(assigned("other key")).status_code == 202


def test_signed_calls_count_for_their_engine(invoices: Engine) -> None:
    secret = signatures.new_secret()
    SigningSecret.objects.create(engine=invoices, secret=secret)
    Limit.objects.create(engine=invoices, most=1)
    with time_machine.travel(NOON, tick=False):
        bodies = [json.dumps(assigned(f"e-{number}")).encode() for number in range(2)]
        answers = [send(body, signed(secret, body, id=f"msg_{len(body)}")).status_code for body in bodies]

    assert answers == [202, 429]


def test_administrators_are_warned_before_a_limit_bites(engine: Caller, invoices: Engine) -> None:
    Limit.objects.create(engine=invoices, most=5)
    with time_machine.travel(NOON, tick=False):
        engine.send(**batch("e-1", "e-2", "e-3"))
        assert limit_use.warnings(timezone.now()) == []
        engine.send(assigned("e-4"))
        assert limit_use.warnings(timezone.now()) == ["Invoices has sent 4 events within a minute; the limit is 5."]
        [note] = limit_use.notes(timezone.now())
        assert note.endswith("Raise the limit (Engines, Limits at the desk), or let the sender slow down.")
    with time_machine.travel(NOON + 10 * WINDOW, tick=False):
        assert limit_use.warnings(timezone.now()) == []


@pytest.mark.usefixtures("few", "db")
def test_people_are_counted_whatever_their_tokens() -> None:
    person = RecipientFactory()
    with time_machine.travel(NOON, tick=False):
        answers = [person_caller(person).get("/api/v1/notifications").status_code for _ in range(5)]

        assert answers == [200, 200, 200, 429, 429]
        assert person_caller(RecipientFactory()).get("/api/v1/notifications").status_code == 200


@pytest.mark.usefixtures("few")
def test_who_guesses_is_stopped_and_who_has_a_key_is_not(engine: Caller) -> None:
    with time_machine.travel(NOON, tick=False):
        answers = [Caller(new_api_key().key).send(assigned()).status_code for _ in range(5)]
        tokens = Caller().post("/api/v1/responses", {"token": "wfa_x", "action": "approve"})

        assert answers == [401, 401, 401, 429, 429]
        assert is_problem(tokens, 429, "too_many_requests")
        assert engine.send(assigned()).status_code == 202


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("body", "status"), [(b"no JSON", 400), ({}, 422), (b'{"token": "\\u0000"}', 422)])
def test_strangers_who_send_what_cannot_be_read_are_stopped_as_those_who_guess(
    engine: Caller, body: Any, status: int
) -> None:
    with time_machine.travel(NOON, tick=False):
        answers = [Caller().post("/api/v1/responses", body) for _ in range(5)]
        own = [engine.send(b"no JSON").status_code for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, status, 429, 429]
    assert is_problem(answers[-1], 429, "too_many_requests")
    assert own == [400, 400, 400]


@pytest.mark.usefixtures("few")
def test_processes_count_together() -> None:
    one, other = Throttle(), Throttle()
    with time_machine.travel(NOON, tick=False):
        usages = [throttle.count(Quota.usual("key", "key1")) for throttle in (one, other, one, other)]

    assert [usage.is_over for usage in usages] == [False, False, False, True]
    assert [usage.left for usage in usages] == [2, 1, 0, 0]
    assert usages[-1].seconds == WINDOW


def test_a_busy_key_asks_redis_once_for_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle, quota = Throttle(), Quota("key", "key1", 6_000)
    with time_machine.travel(NOON, tick=False):
        usages = [throttle.count(quota) for _ in range(10)]

        assert [usage.left for usage in usages] == list(range(5_999, 5_989, -1))
        [name] = outbox.connection().scan_iter("wfpush:calls:key:key1:*")
        assert int(outbox.connection().get(name)) == 10  # type: ignore[arg-type]
        assert 0 < int(outbox.connection().ttl(name)) <= (throttling.KEPT_WINDOWS + 1) * WINDOW  # type: ignore[arg-type]
        assert throttling.highest([quota]) == {quota: 10}


@pytest.mark.usefixtures("few")
def test_without_redis_nobody_is_counted(monkeypatch: pytest.MonkeyPatch, engine: Caller) -> None:
    nobody = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2)
    monkeypatch.setattr(throttling, "connection", lambda: nobody)

    assert [engine.send(assigned(f"e-{number}")).status_code for number in range(6)] == [202] * 6


def test_what_was_counted_of_earlier_windows_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "_MOST_KEPT", 10)
    throttle = Throttle()
    for window in range(3):
        with time_machine.travel(NOON + window * WINDOW, tick=False):
            for number in range(9):
                throttle.count(Quota.usual("stranger", f"{window}.{number}"))

    assert len(throttle._portions) <= 10
