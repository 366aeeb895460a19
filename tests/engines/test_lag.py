"""Camunda 8 carries commands out at once and shows them later: queries never overrule what a command was told."""

import pytest

from tests.engines.server import LOST_AFTER, LOST_BEFORE
from tests.engines.world import World, kinds

pytestmark = kinds("camunda8")


async def test_a_task_that_cannot_be_seen_yet_is_not_taken_for_one_that_is_over(world: World) -> None:
    world.engine.lag(5)
    task = world.open()
    world.engine.break_next(LOST_BEFORE)
    assert (await world.tell(task, answer="a-1")).unsure

    result = await world.tell(task, answer="a-1", unsure=True)

    assert (result.outcome, len(task.completions)) == ("done", 1)


async def test_a_completion_that_cannot_be_seen_yet_is_waited_for(world: World) -> None:
    task = world.open()
    world.engine.lag(4)
    world.engine.break_next(LOST_AFTER)

    result = await world.tell(task, answer="a-1")
    outcomes = []
    for _ in range(4):
        result = await world.tell(task, answer="a-1", unsure=result.unsure)
        outcomes.append(result.outcome)
        if result.outcome != "later":
            break

    assert (outcomes[0], outcomes[-1], len(task.completions)) == ("later", "done", 1)


async def test_a_task_that_cannot_be_seen_yet_and_is_just_being_changed_is_not_over(world: World) -> None:
    world.engine.lag(5)
    task = world.open()
    task.busy = "ASSIGNING"

    first = await world.tell(task)
    task.busy = ""

    assert (first.outcome, first.status) == ("later", 409)
    assert (await world.tell(task, unsure=first.unsure)).outcome == "done"


async def test_what_carol_has_completed_is_handled_once_it_can_be_seen(world: World) -> None:
    task = world.open()
    world.engine.lag(1)
    world.engine.book.somebody_completes(task, "carol")

    first = await world.tell(task)
    second = await world.tell(task)

    assert (first.outcome, second.outcome, "carol" in second.detail) == ("later", "handled", True)


@pytest.mark.parametrize("state", ["CREATING", "ASSIGNING", "UPDATING", "COMPLETING", "CANCELING"])
async def test_a_task_on_its_way_is_tried_again_when_it_has_arrived(world: World, state: str) -> None:
    task = world.open()
    task.busy = state

    first = await world.tell(task)
    task.busy = ""

    assert (first.outcome, first.status, first.down) == ("later", 409, False)
    assert (await world.tell(task, unsure=first.unsure)).outcome == "done"
