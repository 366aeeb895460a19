"""A body under its limit that is wide, deep, full of NUL or of long names is refused at once with a short answer."""

import json
from typing import Any

import pytest

from notifications.models import Engine, Event
from tests.support.api import BATCH, Caller, assigned, engine_caller, is_problem, pointers
from tests.support.cost import MOST_MEMORY, MOST_SAID, cost
from tests.support.length import some
from wfpush.web.bodylimit import BODY_LIMIT

MANY = 95_000
"""More elements than an answer can name, and still as many as a body may have."""


def body(text: str) -> bytes:
    raw = text.encode()
    assert len(raw) <= BODY_LIMIT, len(raw)
    return raw


ALL_NUL = "[" + ",".join(['"\\u0000"'] * 60_000) + "]"
LONG_NAMES = "{" + ",".join(f'"{number:05}{"k" * 1000}\\u0000":1' for number in range(900)) + "}"
DEEP_NAMES = f'{{"{"d" * 15_000}":' * 60 + '["\\u0000","\\u0000"]' + "}" * 60
LONE = "[" + ",".join([r'"\ud83d"'] * 60_000) + "]"
BODIES = {
    "a long name over many NUL": body(f'{{"{"k" * 400_000}":{ALL_NUL}}}'),
    "long names with NUL": body(LONG_NAMES),
    "long names in depth": body(DEEP_NAMES),
    "halves of pairs": body(LONE),
    "empty objects": body("[" + ",".join(["{}"] * 300_000) + "]"),
    "objects in objects": body("[" + ",".join(['{"":{"":{"":{}}}}'] * 50_000) + "]"),
    "arrays": body("[" + "[]," * 300_000 + "[]]"),
    "numbers": body("[" + "1," * 500_000 + "1]"),
    "many members": body("{" + ",".join(f'"a{number}":1' for number in range(60_000)) + "}"),
    "many members of wrong names": body("{" + ",".join(f'"A-{number}":1' for number in range(MANY // 2)) + "}"),
    "one key twice": body('{"' + "k" * 400_000 + '":1,"' + "k" * 400_000 + '":1}'),
    "a wide letter": body('{"action":"' + "a" * 1_000_000 + '😀"}'),
    "quotes": body('["' + '\\"' * 500_000 + '"]'),
    "an unfinished text": body('["' + '\\"' * 500_000),
}
PLACES = {
    "responses": ("POST", "/api/v1/responses", "application/json"),
    "events": ("POST", "/api/v1/events", "application/json"),
    "own": ("POST", "/api/v1/engines/invoices/events", "application/json"),
    "batch": ("POST", "/api/v1/events", BATCH),
    "person": ("PUT", "/api/v1/recipients/erin", "application/json"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", some(BODIES, 5))
def test_a_body_that_is_all_wrong_costs_little_and_is_answered_briefly(engine: Caller, place: str, name: str) -> None:
    method, path, type = PLACES[place]
    caller = Caller() if place == "responses" else engine
    with cost() as spent:
        answer = caller.call(method, path, BODIES[name], type=type)

    if not (place == "person" and answer.status_code == 201):  # members that nobody knows are ignored
        assert 400 <= answer.status_code < 500, answer.content[:300]
    assert len(answer.content) < MOST_SAID
    assert spent.memory < MOST_MEMORY


def test_names_and_faults_are_cut_so_that_they_can_be_read(engine: Caller) -> None:
    answer = Caller().post("/api/v1/responses", BODIES["a long name over many NUL"])

    assert len(pointers(answer)) == 20
    assert all(len(where) < 200 for where in pointers(answer))
    assert pointers(answer)[0] == f"/{'k' * 99}…/0"


def test_lists_of_people_are_measured_before_they_are_read(invoices: Engine) -> None:
    caller = engine_caller(invoices)
    with cost() as spent:
        many = caller.put("/api/v1/teams/finance", {"members": [0] * MANY})
        wrong = caller.put("/api/v1/teams/finance", {"members": [0] * 10_000})

    assert pointers(many) == ["/members"]
    assert pointers(wrong) == [f"/members/{index}" for index in range(20)]
    assert spent.memory < MOST_MEMORY


@pytest.mark.parametrize(
    "data",
    some(
        [
            {"task": {"candidates": [0] * MANY}},
            {"documents": [{}] * 40_000},
            {"task": {"actions": ["approve"] * MANY}},
            {"recipients": [{"ref": "x" * 250}] * 3_000},
        ],
        2,
    ),
)
def test_faults_of_an_event_are_named_until_there_are_enough(engine: Caller, data: dict[str, Any]) -> None:
    with cost() as spent:
        answer = engine.send(assigned(data=data))

    assert len(pointers(answer, "invalid_event")) <= 20
    assert spent.memory < MOST_MEMORY


# --- batches --------------------------------------------------------------------------------------
WRONG = {"😀" * 100 + str(number): "x" for number in range(30)}


@pytest.mark.parametrize(
    "events", some([[{}] * 1000, [WRONG] * 100, [assigned("e-1"), *[{"A" * 300: 1}] * 999], [{"id": "\x00"}] * 1000], 2)
)
def test_a_batch_of_a_thousand_faults_is_answered_with_the_first_and_an_item_for_each(
    engine: Caller, events: list[Any]
) -> None:
    with cost() as spent:
        answer = engine.send(events, type=BATCH)

    said = answer.json()
    problems = [item["problem"] for item in said["items"] if item["status"] == "rejected"]
    assert len(said["items"]) == len(events)
    assert len(json.dumps([said.get("errors"), [problem["errors"] for problem in problems]])) < MOST_SAID
    assert len(answer.content) < MOST_SAID + 400 * len(events)
    assert problems[0]["errors"]
    assert all(problem["code"] == "invalid_event" and problem["detail"] for problem in problems)
    assert spent.memory < MOST_MEMORY


def test_more_events_than_a_batch_may_have_are_refused_before_any_is_looked_at(
    engine: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[object] = []
    monkeypatch.setattr("notifications.intake.cloudevents.structured", looked_at.append)
    with cost() as spent:
        answer = engine.send(b"[" + b"{}," * 300_000 + b"{}]", type=BATCH)
        little_more = engine.send([assigned(f"e-{number}") for number in range(1001)], type=BATCH)

    assert is_problem(answer, 413, "too_large")
    assert is_problem(little_more, 413, "too_large")
    assert looked_at == []
    assert not Event.objects.exists()
    assert spent.memory < MOST_MEMORY


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"[", 400),
        (b"[{}", 400),
        (b"[{} {}]", 400),
        (b"[{},]", 400),
        (b"[,{}]", 400),
        (b"[{}] x", 400),
        (b"[" + b'{"a":' * 64 + b"1" + b"}" * 64 + b"]", 400),
        (b" [ {} , {} ] ", 422),
        (b"[ ] ", 202),
        (b'{"a":"\\u0000"}', 422),
        (b'"\\u0000"', 422),
        (b"7", 422),
    ],
)
def test_a_batch_is_read_as_strictly_as_anything_else(engine: Caller, raw: bytes, status: int) -> None:
    assert engine.send(raw, type=BATCH).status_code == status


# --- the rest of an event, and odd times ----------------------------------------------------------
def test_extension_attributes_count_against_the_size_of_an_event(engine: Caller) -> None:
    few = {f"x{number}": "y" * 1_900 for number in range(20)}
    many = {f"x{number}": "y" * 1_900 for number in range(40)}

    assert engine.send(assigned("e-1", **few)).status_code == 202
    answer = engine.send(assigned("e-2", **many))
    assert pointers(answer, "invalid_event") == ["/data"]


@pytest.mark.parametrize("time", some(["9999-12-30T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"], 1))
def test_a_time_that_nobody_waits_for_is_refused(engine: Caller, time: str) -> None:
    for event, where in ((assigned(task={"due_at": time}), "/data/task/due_at"), (assigned(time=time), "/time")):
        answer = engine.send(event)
        assert pointers(answer, "invalid_event") == [where]


def test_a_ref_that_no_address_can_hold_is_a_404_that_the_description_names(engine: Caller) -> None:
    assert is_problem(engine.put("/api/v1/recipients/a%0A", {}), 404, "not_found")
    assert "404" in engine.get("/api/schema").json()["paths"]["/api/v1/recipients/{ref}"]["put"]["responses"]
