"""Made-up task ids and answers: they change no path, and no answer of an engine breaks wfpush."""

import json
from typing import Any

import pytest

from tests.engines.server import Fault
from tests.engines.world import World, kinds

IDS = [
    "../../runtime/tasks",
    "..%2f..%2fadmin",
    "a/b",
    "a?action=complete",
    "a#fragment",
    "a%2fb",
    "a%00b",
    "a;jsessionid=1",
    "a b",
    "a\\b",
    "a\r\nX-Evil: 1",
    "Genehmigung für 你好",
    "\u202eevil",
    "...",
    "{task}",
    "{0.__class__}",
    "x" * 900,
]


@kinds("flowable", "opentext", "camunda7")
async def test_an_id_is_one_part_of_the_path_whatever_is_in_it(world: World) -> None:
    decoy = world.open(id="a")
    for id in IDS:
        task = world.open(id=id)
        result = await world.tell(task, comment="Fine.")
        read = await world.kind.connector.read(world.api, id)
        assert (result.outcome, read.is_open, len(task.completions)) == ("done", False, 1), id

    assert (decoy.is_open, decoy.comments, world.engine.refused) == (True, [], [])


@kinds("camunda8")
async def test_an_id_that_is_no_key_is_refused_by_the_engine_and_ends_nothing(world: World) -> None:
    for id in IDS:
        result = await world.send(world.said(id))
        assert (result.outcome, result.status) == ("misconfigured", 400), id


@pytest.mark.parametrize("id", ["", ".", "..", "\ud800", "x" * 5000], ids=["none", "dot", "dots", "surrogate", "long"])
async def test_an_id_that_cannot_be_in_a_path_goes_nowhere(world: World, id: str) -> None:
    for unsure in (False, True):
        result = await world.send(world.said(id, unsure=unsure))
        assert result.outcome == "misconfigured"
    assert world.engine.log == []


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf"), ["\udfff"]])
async def test_what_no_json_can_hold_is_for_an_operator_and_breaks_nothing(world: World, value: Any) -> None:
    task = world.open()

    result = await world.tell(task, variables={"it": value})

    assert (result.outcome, task.is_open, world.engine.calls("command")) == ("misconfigured", True, 0)


ODD: list[Any] = [
    None,
    True,
    7,
    "text",
    [],
    [1, "two", None, [3]],
    {},
    {"data": "x", "items": 5, "page": None},
    {"data": [1, {"variable": "x"}], "items": ["x", {"value": 5}], "state": 7, "assignee": {"id": 1}},
    {"data": {"a": 1}, "items": {"a": 1}, "delegationState": ["pending"], "processInstanceId": 12},
    {"state": "COMPLETED", "assignee": ["x"], "processInstanceId": None, "deleteReason": {}},
    {"type": 1, "message": 2, "title": [], "status": "x", "detail": {}, "exception": None},
    [{"processInstanceId": {"x": 1}, "assignee": 3, "value": [1], "message": {"x": 1}}],
]


@pytest.mark.parametrize("status", [200, 404, 409, 500])
async def test_no_answer_of_an_engine_however_odd_breaks_us(world: World, status: int) -> None:
    for odd in ODD:
        fault = Fault(status, json.dumps(odd).encode(), "application/json", roles=("command", "query", "comment"))
        for unsure in (False, True):
            world.engine.faults = [fault] * 12
            result = await world.tell(world.open(), comment="Fine.", unsure=unsure)
            assert result.outcome in ("done", "handled", "later", "misconfigured")
            assert isinstance(result.detail, str)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[" * 50000, b"{" + b" " * 70000, b"nul"], ids=range(4))
async def test_no_bytes_of_an_engine_break_us(world: World, body: bytes) -> None:
    for status in (404, 500):
        world.engine.faults = [Fault(status, body, "application/json", roles=("command", "query"))] * 6
        assert (await world.tell(world.open(), unsure=True)).outcome in ("later", "misconfigured")
