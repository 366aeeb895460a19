"""The engines on loopback are what their documents say: they refuse what the real ones refuse, and race as they do."""

import json
from typing import Any

import pytest

from tests.engines.guards import Open
from tests.engines.world import World, kinds

JSON = {"Content-Type": "application/json"}


async def ask(
    world: World, method: str, path: str, said: Any = None, headers: dict[str, str] = JSON
) -> tuple[int, Any]:
    """As somebody else would, past our connectors."""
    world.engine.guard = Open()
    body = b"" if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
    response = await world.line.http.request(method, world.engine.base + path, body=body, headers=headers)
    return response.status, json.loads(response.body) if response.body else None


def completion(world: World, task: str) -> tuple[str, dict[str, Any]]:
    path = {
        "flowable": f"/runtime/tasks/{task}",
        "opentext": f"/tasks/{task}",
        "camunda7": f"/task/{task}/complete",
        "camunda8": f"/user-tasks/{task}/completion",
    }[world.kind.name]
    return path, {"action": "complete"} if world.kind.name in ("flowable", "opentext") else {}


CLAIMS = {
    "flowable": ("/runtime/tasks/{}", {"action": "claim"}, "assignee", 409),
    "opentext": ("/tasks/{}", {"action": "claim"}, "assignee", 409),
    "camunda7": ("/task/{}/claim", {}, "userId", 500),
    "camunda8": ("/user-tasks/{}/assignment", {"allowOverride": False}, "assignee", 409),
}


async def test_of_two_who_claim_a_task_one_gets_it(world: World) -> None:
    path, said, member, refused = CLAIMS[world.kind.name]
    task = world.open()

    carol, _ = await ask(world, "POST", path.format(task.id), {**said, member: "carol"})
    dave, _ = await ask(world, "POST", path.format(task.id), {**said, member: "dave"})

    assert (carol in (200, 204), dave, task.assignee) == (True, refused, "carol")


async def test_of_two_completions_the_engine_takes_one(world: World) -> None:
    task = world.open()
    path, said = completion(world, task.id)

    first, _ = await ask(world, "POST", path, said)
    second, words = await ask(world, "POST", path, said)

    gone = {"camunda7": 500}.get(world.kind.name, 404)
    assert (first in (200, 204), second, len(task.completions)) == (True, gone, 1)
    assert words


@pytest.mark.parametrize(
    ("wrong", "headers", "status"),
    [
        ({"unknown": 1}, JSON, 400),
        ({"variables": "text"}, JSON, 400),
        ([], JSON, 400),
        (b"{", JSON, 400),
        (b'{"variables": NaN}', JSON, 400),
        ({}, {"Content-Type": "text/plain"}, 415),
        ({}, {}, 415),
    ],
)
async def test_a_body_that_is_wrong_completes_nothing(
    world: World, wrong: Any, headers: dict[str, str], status: int
) -> None:
    task = world.open()
    path, said = completion(world, task.id)
    said = {**said, **wrong} if isinstance(wrong, dict) else wrong

    got, words = await ask(world, "POST", path, said, headers)

    assert (got, task.is_open, bool(words)) == (status, True, True)
    assert world.engine.refused[0][0] == status


async def test_nobody_comes_in_without_credentials(world: World) -> None:
    task = world.open()
    path, said = completion(world, task.id)

    response = await world.line.http.request(
        "POST", world.engine.base + path, body=json.dumps(said).encode(), headers=JSON
    )

    assert (response.status, task.is_open) == (401, True)


VARIABLES = {
    "flowable": [
        {"name": "n", "value": {"a": 1}},
        {"name": "n", "type": "integer", "value": 2**31},
        {"name": "n", "type": "date", "value": "31.1.2026"},
        {"name": "n", "type": "Text", "value": "x"},
        {"name": "n", "type": "boolean", "value": "true"},
        {"name": "n", "value": 1, "kind": "x"},
        {"value": 1},
    ],
    "opentext": [{"name": "n", "value": [1]}, {"name": "n", "value": 1, "type": "integer"}, {"name": "n"}, "n"],
    "camunda7": [
        {"type": "Integer", "value": "x"},
        {"type": "Date", "value": "2026-01-31"},
        {"type": "Json", "value": {}},
        {"type": "integer", "value": 1},
        {"type": "Boolean", "value": 1},
        {"value": 1, "name": "x"},
        1,
    ],
}


@kinds("flowable", "opentext", "camunda7")
async def test_a_variable_that_is_wrong_completes_nothing(world: World) -> None:
    task = world.open()
    path, said = completion(world, task.id)
    for variable in VARIABLES[world.kind.name]:
        variables = {"n": variable} if world.kind.name == "camunda7" else [variable]
        got, _ = await ask(world, "POST", path, {**said, "variables": variables})
        assert (got, task.is_open) == (400, True), variable
