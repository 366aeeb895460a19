"""Bob approves on his phone, and the engine hears of it in its own language: once, with what he said."""

import json
from typing import Any

import pytest

from notifications.connectors.instructions import ANSWER, BY, COMMENT, OUTCOME
from notifications.forms.recorded_values import types_of, values_of
from tests.engines.server import Fault
from tests.engines.world import World, kinds, only

VARIABLES: dict[str, Any] = {
    "text": 'Grün & <gut> 你好 \u202e "quoted"',
    "yes": True,
    "no": False,
    "count": 3,
    "most": 2**31 - 1,
    "rate": 1.5,
    "whole": 2.0,
    "empty": "",
}
STRUCTURES: dict[str, Any] = {"nothing": None, "big": 2**40, "list": [1, "zwei"], "object": {"sku": "A-1", "n": 2}}


async def test_it_is_completed_with_outcome_variables_and_who_it_was(world: World) -> None:
    task = world.open()

    result = await world.tell(task, answer="a-1", variables=VARIABLES)

    assert result.outcome == "done"
    (completion,) = task.completions
    assert completion.by == "wfpush-service"
    assert completion.variables == {ANSWER: "a-1", OUTCOME: "approved", BY: "bob", **VARIABLES}
    assert world.engine.refused == []


async def test_nothing_that_was_sent_with_an_answer_stands_where_the_outcome_and_who_it_was_stand(world: World) -> None:
    """Bob sent more than an answer, to a version that did not refuse it: what was kept then is still to be told."""
    task = world.open()
    forged = {OUTCOME: "approved", BY: "root2", ANSWER: "a-0", "WFPUSH_BY": "root2", " wfpush_outcome": "approved"}

    result = await world.tell(task, action="reject", outcome="rejected", answer="a-1", variables=forged)

    assert result.outcome == "done"
    (completion,) = task.completions
    assert completion.variables == {ANSWER: "a-1", OUTCOME: "rejected", BY: "bob"}


async def test_nothing_is_asked_before_an_answer_that_is_told_for_the_first_time(world: World) -> None:
    await world.tell(world.open())

    assert (world.engine.calls("command"), world.engine.calls("query")) == (1, 0)


async def test_structures_and_large_numbers_arrive_in_the_form_that_the_engine_takes(world: World) -> None:
    task = world.open()

    assert (await world.tell(task, variables=STRUCTURES)).outcome == "done"

    said = {name: task.completions[0].variables[name] for name in STRUCTURES}
    as_text = {"big": str(2**40), "list": '[1, "zwei"]', "object": '{"sku": "A-1", "n": 2}'}
    assert said == {**STRUCTURES, **(as_text if world.kind.name == "opentext" else {})}


TYPED = [
    ("string", "x"),
    ("boolean", True),
    ("integer", 7),
    ("long", 7),
    ("double", 7),
    ("json", {"a": 1}),
    ("json", [1]),
]


async def test_the_type_that_a_mapping_names_is_the_type_that_the_engine_hears(world: World) -> None:
    for type, value in TYPED:
        task = world.open()
        assert (await world.tell(task, variables={"it": value}, types={"it": type})).outcome == "done"
        heard = world.engine.book.variables[task.process].get("it", {})
        if world.kind.name == "flowable":
            assert heard == {"name": "it", "type": type, "value": value}
        elif world.kind.name == "camunda7":
            assert heard["type"] == type.capitalize()
            assert task.completions[0].variables["it"] == value


async def test_values_of_a_form_arrive_as_variables_of_their_types(world: World) -> None:
    values = {"amount": 900.5, "pay_on": "2026-12-01", "checks": ["price", "tax"], "asset": False, "pieces": 3}
    values["lines"] = [{"article": "Pump", "price": 30.5}, {"article": "Valve"}]
    entries = [
        {"name": name, "kind": kind, "value": values[name]}
        for name, kind in zip(values, ("money", "date", "choices", "yes_no", "number", "rows"), strict=True)
    ]
    entries[4]["whole"] = True
    task = world.open()

    assert (await world.tell(task, variables=values_of(entries), types=types_of(entries))).outcome == "done"

    heard = task.completions[0].variables
    as_text = world.kind.name == "opentext"
    assert (heard["amount"], heard["asset"], heard["pieces"]) == (900.5, False, 3)
    assert heard["checks"] == ('["price", "tax"]' if as_text else ["price", "tax"])
    assert (json.loads(heard["lines"]) if as_text else heard["lines"]) == values["lines"]
    assert str(heard["pay_on"]).startswith("2026-12-01")
    if world.kind.name in ("flowable", "camunda7"):
        types = {name: variable["type"].lower() for name, variable in world.engine.book.variables[task.process].items()}
        numbers = {"amount": "double", "pieces": "integer"}
        assert (
            types.items() >= {**numbers, "pay_on": "date", "checks": "json", "asset": "boolean", BY: "string"}.items()
        )


@pytest.mark.parametrize(
    "written", ["2026-01-31", "2026-01-31T10:20:30Z", "2026-01-31T10:20:30.5+02:00", "2026-01-31T10:20:30"]
)
async def test_a_date_arrives_however_it_was_written(world: World, written: str) -> None:
    task = world.open()

    result = await world.tell(task, variables={"day": written}, types={"day": "date"})

    assert result.outcome == "done", result
    assert str(task.completions[0].variables["day"]).startswith("2026-01-31")


@kinds("flowable", "camunda7")
async def test_a_value_that_does_not_fit_its_type_is_for_an_operator_and_completes_nothing(world: World) -> None:
    task = world.open()

    result = await world.tell(task, variables={"it": "not a number"}, types={"it": "integer"})

    assert (result.outcome, result.status, task.is_open) == ("misconfigured", 400, True)


async def test_what_bob_writes_is_a_comment_where_the_engine_keeps_comments_and_always_a_variable(
    world: World,
) -> None:
    task = world.open()

    assert (await world.tell(task, comment="Below our limit.")).outcome == "done"

    expected = ["Bob Builder answered approved: Below our limit."] if world.kind.comments else []
    assert task.comments == expected
    assert task.completions[0].variables[COMMENT] == "Below our limit."


async def test_the_engine_takes_bobs_word_for_the_outcome_where_it_has_a_place_for_it(world: World) -> None:
    task = world.open()

    await world.tell(task, action="sign_off", outcome="accepted")

    expected = {"camunda7": "", "camunda8": "sign_off"}.get(world.kind.name, "accepted")
    assert task.completions[0].outcome == expected


# --- somebody was there before ------------------------------------------------------------------------------
async def test_what_carol_has_completed_in_the_engine_is_handled_and_she_is_named(world: World) -> None:
    task = world.open()
    world.engine.book.somebody_completes(task, "carol")

    result = await world.tell(task)

    assert result.outcome == "handled"
    assert ("carol" in result.detail) is world.kind.told_by
    assert len(task.completions) == 1


async def test_a_task_that_was_cancelled_was_ended_by_nobody(world: World) -> None:
    task = world.open(assignee="carol")
    world.engine.book.somebody_cancels(task)

    result = await world.tell(task)

    assert (result.outcome, "carol" in result.detail) == ("handled", False)
    assert ("cancelled" in result.detail) is world.kind.told_by


async def test_a_task_that_the_engine_has_never_had_is_handled_by_nobody(world: World) -> None:
    result = await world.send(world.said("4711000000000000"))

    assert (result.outcome, result.detail) == ("handled", "")


@kinds("flowable", "camunda7")
async def test_without_history_handled_names_nobody(world: World) -> None:
    world.engine.keeps_history = False
    task = world.open()
    world.engine.book.somebody_completes(task, "carol")

    result = await world.tell(task, comment="Fine.")

    assert (result.outcome, result.detail) == ("handled", "")


@kinds("camunda7")
async def test_without_history_the_comment_has_no_place_and_the_task_is_completed(world: World) -> None:
    world.engine.keeps_history = False
    task = world.open()

    first = await world.tell(task, comment="Fine.")
    again = await world.tell(world.open(), comment="Fine.", unsure=True)

    assert (first.outcome, again.outcome, task.state) == ("done", "done", "completed")


# --- delegated, claimed, changing ---------------------------------------------------------------------------
@only(lambda kind: kind.delegates)
@pytest.mark.parametrize("says_why", [True, False])
async def test_a_delegated_task_is_resolved_first_and_then_completed(world: World, says_why: bool) -> None:
    world.engine.says_why = says_why
    task = world.open(assignee="carol")
    world.engine.book.delegate(task, "dave")

    result = await world.tell(task)

    assert (result.outcome, task.state, task.resolved, len(task.completions)) == ("done", "completed", 1, 1)


async def test_a_task_that_dave_has_claimed_is_completed_all_the_same(world: World) -> None:
    task = world.open(assignee="dave")

    assert (await world.tell(task)).outcome == "done"
    assert task.completions[0].by == "wfpush-service"


CONFLICTS = {
    "flowable": Fault(409, b'{"message":"Conflict","exception":"updated by another transaction"}', "application/json"),
    "opentext": Fault(409, b'{"message":"Conflict","exception":"updated by another transaction"}', "application/json"),
    "camunda7": Fault(
        500,
        b'{"type":"OptimisticLockingException","message":"ENGINE-03005 Execution of UPDATE failed"}',
        "application/json",
    ),
    "camunda8": Fault(
        409,
        b'{"type":"about:blank","title":"INVALID_STATE","status":409,"detail":"but it is in state UPDATING"}',
        "application/problem+json",
    ),
}


async def test_two_changes_at_once_are_tried_again(world: World) -> None:
    task = world.open()
    world.engine.break_next(CONFLICTS[world.kind.name])

    first = await world.tell(task)
    assert (first.outcome, first.down, task.is_open) == ("later", False, True)

    assert (await world.tell(task, unsure=first.unsure)).outcome == "done"
    assert len(task.completions) == 1


async def test_a_comment_is_not_repeated_when_only_the_completion_failed(world: World) -> None:
    task, said = world.open(), {"answer": "a-1", "comment": "Fine."}
    world.engine.break_next(CONFLICTS[world.kind.name])

    first = await world.tell(task, **said)
    second = await world.tell(task, **said, unsure=first.unsure)

    assert (first.outcome, second.outcome) == ("later", "done")
    assert task.comments == (["Bob Builder answered approved: Fine."] if world.kind.comments else [])
