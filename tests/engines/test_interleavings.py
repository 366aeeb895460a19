"""Whatever happens in whatever order, the engine acts on an answer at most once, and what we say of it is true."""

import dataclasses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifications.connectors.base import Result
from notifications.connectors.instructions import ANSWER, Instruction
from tests.engines.book import Task
from tests.engines.server import LOST_AFTER, LOST_BEFORE, Fault
from tests.engines.world import Kind, World, running

COMMANDS = {
    "lost after": LOST_AFTER,
    "lost before": LOST_BEFORE,
    "gateway after": Fault(502, acts=True),
    "gateway before": Fault(504),
    "busy": Fault(503, headers={"Retry-After": "1"}),
    "too many": Fault(429),
    "failed after": Fault(500, acts=True),
    "page": Fault(200),
    "comment lost after": Fault(acts=True, roles=("comment",)),
    "comment busy": Fault(503, roles=("comment",)),
    "query lost": Fault(roles=("query",)),
    "query busy": Fault(429, roles=("query",)),
    "query page": Fault(404, roles=("query",)),
}
OTHERS = ["completes", "cancels", "claims", "delegates", "another answer", "lag"]
STEPS = st.lists(st.sampled_from(["tell", "tell", "tell and die", *COMMANDS, *OTHERS]), max_size=10)
UNTIL_SETTLED = 4


class Story:
    """One task, and one answer to it that is told until the engine has it or has ended the task."""

    def __init__(self, world: World, comment: str) -> None:
        self.world = world
        self.task = world.open()
        self.said = world.said(self.task.id, comment=comment)
        self.answer_elsewhere = False
        self.result: Result | None = None

    async def live(self, step: str) -> None:
        book, task = self.world.engine.book, self.task
        if step in COMMANDS:
            self.world.engine.break_next(COMMANDS[step])
        elif step in ("tell", "tell and die"):
            await self.tell(dies=step == "tell and die")
        elif step == "another answer":
            await self.answer_elsewhere_in_the_process()
        elif step == "lag" and self.world.kind.name == "camunda8":
            self.world.engine.lag(3)
        elif step == "completes" and task.is_open:
            book.somebody_completes(task, "carol")
        elif step == "cancels" and task.is_open:
            book.somebody_cancels(task)
        elif step == "claims" and task.is_open:
            task.assignee = "dave"
        elif step == "delegates" and task.is_open and self.world.kind.delegates and task.delegation != "pending":
            book.delegate(task, "erin")

    async def tell(self, *, dies: bool = False) -> None:
        """Unless it has ended. Who dies before the result is written down leaves the next one unsure."""
        if self.result is not None and self.result.outcome in ("done", "handled"):
            return
        result = await self.world.send(self.said)
        assert_true(self.world, self.task, self.said, result)
        if not dies:
            self.result = result
        self.said = dataclasses.replace(self.said, unsure=dies or result.unsure)

    async def answer_elsewhere_in_the_process(self) -> None:
        """It overwrites the variable by which ours is known."""
        faults, self.world.engine.faults = self.world.engine.faults, []
        other = self.world.open(process=self.task.process)
        assert (await self.world.tell(other)).outcome == "done"
        assert len(other.completions) == 1
        self.world.engine.faults = faults

    async def settle(self) -> None:
        """The engine works again."""
        self.world.engine.faults = []
        if self.world.kind.name == "camunda8":
            self.world.engine.behind = 0
        for _ in range(UNTIL_SETTLED):
            await self.tell()
        assert self.result is not None
        assert self.result.outcome in ("done", "handled"), self.result
        assert not self.task.is_open


def assert_true(world: World, task: Task, said: Instruction, result: Result) -> None:
    """What we say, against what the engine knows."""
    ours = [each for each in task.completions if each.variables.get(ANSWER) == said.answer]
    assert len(task.completions) <= 1
    assert task.comments.count(said.remark) <= 1
    if result.outcome == "done":
        assert ours
    elif result.outcome == "handled":
        assert not task.is_open
        assert not ours or "It does not say" in result.detail
        assert ("cancelled" in result.detail) <= (task.state == "cancelled")
        assert " had it" not in result.detail or f"where {task.assignee} had it" in result.detail
    else:
        assert not ours or result.unsure or said.unsure, "a doubt was forgotten"


async def live(world: World, steps: list[str], comment: str) -> None:
    story = Story(world, comment)
    for step in steps:
        await story.live(step)
    await story.settle()


@pytest.mark.row_27
def test_any_interleaving_acts_at_most_once_and_ends_in_a_true_statement(kind: Kind) -> None:
    with running(kind) as (world, runner):

        @settings(max_examples=60, deadline=None)
        @given(STEPS, st.sampled_from(["", "Fine."]))
        @example(["failed after", "query busy", "tell", "too many", "tell"], "")
        @example(["delegates", "lost after", "tell", "completes"], "Fine.")
        @example(["lag", "lost after", "tell", "tell", "another answer"], "")
        def holds(steps: list[str], comment: str) -> None:
            runner.run(live(world, steps, comment))

        holds()
    assert world.engine.refused == []
