"""Callers are counted by key, person and address; who calls too often is told when to come back."""

from typing import Any

import pytest
import redis
import time_machine

from notifications.api.frame import base, throttling
from notifications.api.frame.throttling import WINDOW, Bucket, Throttle
from notifications.models import Engine
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
    limits: dict[Bucket, int] = {"engine": 3, "person": 3, "stranger": 3}
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
        waits = [throttle.wait("engine", "key1") for throttle in (one, other, one, other)]

    assert waits == [None, None, None, pytest.approx(WINDOW)]


def test_a_busy_key_asks_redis_once_for_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "LIMITS", {"engine": 6_000})
    throttle = Throttle()
    with time_machine.travel(NOON, tick=False):
        assert [throttle.wait("engine", "key1") for _ in range(10)] == [None] * 10

    [name] = outbox.connection().scan_iter("wfpush:calls:engine:key1:*")
    assert int(outbox.connection().get(name)) == 10  # type: ignore[arg-type]
    assert 0 < int(outbox.connection().ttl(name)) <= 2 * WINDOW  # type: ignore[arg-type]


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
                throttle.wait("stranger", f"{window}.{number}")

    assert len(throttle._portions) <= 10
