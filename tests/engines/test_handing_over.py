"""An SLA step gives Bob's task to Carol: in the engine's own language, and never from somebody who got it since."""

import dataclasses
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifications.connectors.base import Result, Standing
from notifications.connectors.instructions import EnginePerson, Instruction
from tests.engines.book import Task
from tests.engines.server import LOST_AFTER, LOST_BEFORE, Fault
from tests.engines.world import Kind, World, kinds, only, running

BOB, CAROL = EnginePerson("bob", "bob@example.org"), EnginePerson("carol", "carol@example.org")
JSON = "application/json"


def name_of(world: World, person: EnginePerson) -> str:
    """As the engine knows people: OpenText by their addresses."""
    return person.email if world.kind.name == "opentext" else person.ref


def held(world: World, had: EnginePerson | None = BOB) -> Task:
    return world.open(assignee=name_of(world, had) if had else None)


def to_carol(world: World, task: Task, had: EnginePerson | None = BOB, **said: Any) -> Instruction:
    return world.said(task.id, does="assign", to=CAROL, had=had, **said)


async def hand_over(world: World, task: Task, had: EnginePerson | None = BOB, **said: Any) -> Result:
    return await world.send(to_carol(world, task, had, **said))


# --- as it should be ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("had", [BOB, None])
async def test_carol_has_it_whether_bob_or_nobody_had(world: World, had: EnginePerson | None) -> None:
    task = held(world, had)

    result = await hand_over(world, task, had)

    assert (result.outcome, task.assignee, task.is_open) == ("done", name_of(world, CAROL), True)
    assert result.standing == Standing(True, name_of(world, CAROL))
    assert world.engine.calls("command") == 1
    assert world.engine.refused == []


async def test_what_bob_has_laid_down_again_is_claimed(world: World) -> None:
    task = held(world, None)

    assert (await hand_over(world, task)).outcome == "done"
    assert task.assignee == name_of(world, CAROL)


async def test_what_carol_has_already_is_done_without_a_call(world: World) -> None:
    task = held(world, CAROL)

    assert (await hand_over(world, task)).outcome == "done"
    assert world.engine.calls("command") == 0


@only(lambda kind: kind.name != "opentext")
async def test_an_engine_that_calls_bob_by_his_address_gets_carols(world: World) -> None:
    task = world.open(assignee="Bob@Example.org")

    assert (await hand_over(world, task)).outcome == "done"
    assert task.assignee == "carol@example.org"


@kinds("opentext")
async def test_people_are_known_by_their_address_else_by_their_ref(world: World) -> None:
    task, other = world.open(assignee="Bob@Example.org"), world.open(assignee="bob")

    assert (await hand_over(world, task)).outcome == "done"
    assert task.assignee == "carol@example.org"
    result = await world.send(world.said(other.id, does="assign", to=EnginePerson("carol"), had=EnginePerson("bob")))
    assert (result.outcome, other.assignee) == ("done", "carol")


# --- people in the engine are right ---------------------------------------------------------------------------------
@pytest.mark.parametrize("had", [BOB, None])
async def test_what_dave_has_meanwhile_stays_his_and_he_is_named(world: World, had: EnginePerson | None) -> None:
    task = world.open(assignee="dave")

    result = await hand_over(world, task, had)

    assert (result.outcome, result.detail) == ("handled", "In the engine dave has it meanwhile.")
    assert result.standing == Standing(True, "dave")
    assert (task.assignee, world.engine.calls("command")) == ("dave", 0)


@pytest.mark.parametrize("had", [BOB, None])
async def test_who_claims_it_between_our_look_and_our_claim_keeps_it(world: World, had: EnginePerson | None) -> None:
    task = held(world, None)
    world.engine.meanwhile = lambda: setattr(task, "assignee", "dave")

    result = await hand_over(world, task, had)

    assert (result.outcome, task.assignee, "dave" in result.detail) == ("handled", "dave", True)


async def test_carol_may_be_faster_herself(world: World) -> None:
    task = held(world, None)
    world.engine.meanwhile = lambda: setattr(task, "assignee", name_of(world, CAROL))

    assert (await hand_over(world, task)).outcome == "done"


@only(lambda kind: not kind.connector.lags)
async def test_bob_who_takes_it_up_again_at_that_moment_keeps_it(world: World) -> None:
    task = held(world, None)
    world.engine.meanwhile = lambda: setattr(task, "assignee", name_of(world, BOB))

    result = await hand_over(world, task)

    assert (result.outcome, task.assignee) == ("handled", name_of(world, BOB))


@pytest.mark.parametrize("ends", ["somebody_completes", "somebody_cancels"])
async def test_what_is_over_is_given_to_nobody(world: World, ends: str) -> None:
    task = held(world)
    getattr(world.engine.book, ends)(task, *(["dave"] if ends == "somebody_completes" else []))

    result = await hand_over(world, task)

    assert (result.outcome, task.assignee == name_of(world, CAROL)) == ("handled", False)
    if world.kind.told_by:
        assert ("dave" if ends == "somebody_completes" else "cancelled") in result.detail


@pytest.mark.parametrize("had", [BOB, None])
async def test_what_ends_between_our_look_and_our_command_is_handled(world: World, had: EnginePerson | None) -> None:
    task = held(world, had)
    world.engine.meanwhile = lambda: world.engine.book.somebody_completes(task, "dave")

    assert (await hand_over(world, task, had)).outcome == "handled"
    assert task.assignee == "dave"


# --- replies that are lost ------------------------------------------------------------------------------------------
def losses(world: World, had: EnginePerson | None, fault: Fault) -> list[Fault]:
    """Two for a PUT: if a kept connection breaks, it is sent once more at once (RFC 9112, 9.3.1)."""
    by_put = world.kind.name in ("flowable", "opentext") and had is not None
    return [fault, fault] if by_put and fault.status is None else [fault]


@pytest.mark.parametrize("had", [BOB, None])
@pytest.mark.parametrize("fault", [LOST_AFTER, Fault(502, acts=True), Fault(504, acts=True)])
async def test_a_reply_that_is_lost_is_looked_up_and_nothing_repeated(
    world: World, had: EnginePerson | None, fault: Fault
) -> None:
    task, faults = held(world, had), losses(world, had, fault)
    world.engine.break_next(*faults)

    first = await hand_over(world, task, had)
    second = await hand_over(world, task, had, unsure=first.unsure)

    assert (first.outcome, first.unsure, second.outcome) == ("later", True, "done")
    assert (task.assignee, world.engine.calls("command")) == (name_of(world, CAROL), len(faults))


async def test_who_took_it_from_carol_while_the_reply_was_lost_keeps_it(world: World) -> None:
    task = held(world)
    world.engine.break_next(*losses(world, BOB, LOST_AFTER))
    first = await hand_over(world, task)
    task.assignee = "dave"

    second = await hand_over(world, task, unsure=first.unsure)

    assert (second.outcome, task.assignee, "dave" in second.detail) == ("handled", "dave", True)


@pytest.mark.parametrize("fault", [LOST_BEFORE, Fault(503), Fault(429)])
async def test_what_failed_before_the_engine_acted_is_told_again(world: World, fault: Fault) -> None:
    task = held(world)
    world.engine.break_next(*losses(world, BOB, fault))

    first = await hand_over(world, task)
    second = await hand_over(world, task, unsure=first.unsure)

    assert (first.outcome, second.outcome, task.assignee) == ("later", "done", name_of(world, CAROL))


async def test_as_long_as_nobody_can_tell_who_has_it_nothing_is_changed(world: World) -> None:
    task = held(world)
    world.engine.break_next(Fault(503, roles=("query",)), Fault(404, roles=("query",)))

    outcomes = [(await hand_over(world, task)).outcome for _ in range(3)]

    assert outcomes == ["later", "misconfigured", "done"]


async def test_an_address_that_is_not_the_interfaces_is_never_handled(world: World) -> None:
    task = held(world)
    world.engine.moved_to = "/moved"

    assert (await hand_over(world, task)).outcome == "misconfigured"


REFUSED = b'{"message":"no such user","exception":"no such user","type":"RestException","title":"x","status":400}'


@pytest.mark.parametrize("had", [BOB, None])
@pytest.mark.parametrize("status", [400, 403])
async def test_an_engine_that_does_not_take_carol_is_for_an_operator(
    world: World, had: EnginePerson | None, status: int
) -> None:
    task = held(world, had)
    world.engine.break_next(Fault(status, REFUSED, JSON))

    result = await hand_over(world, task, had)

    assert (result.outcome, result.status, "no such user" in result.detail) == ("misconfigured", status, True)
    assert task.assignee != name_of(world, CAROL)


# --- delegated ------------------------------------------------------------------------------------------------------
@only(lambda kind: kind.delegates)
async def test_a_delegated_task_stays_delegated_and_carols_answer_completes_it(world: World) -> None:
    task = held(world)
    world.engine.book.delegate(task, "erin")

    assert (await hand_over(world, task, EnginePerson("erin"))).outcome == "done"
    assert (task.assignee, task.owner, task.delegation) == (name_of(world, CAROL), name_of(world, BOB), "pending")
    assert (await world.tell(task, by="carol")).outcome == "done"
    assert (task.resolved, len(task.completions)) == (1, 1)


@only(lambda kind: kind.delegates)
async def test_whom_bob_has_delegated_it_to_keeps_it(world: World) -> None:
    task = held(world)
    world.engine.book.delegate(task, "erin")

    result = await hand_over(world, task)

    assert (result.outcome, task.assignee, "erin" in result.detail) == ("handled", "erin", True)


# --- Camunda 8 shows later what it has done -------------------------------------------------------------------------
@kinds("camunda8")
async def test_a_task_that_cannot_be_seen_yet_is_claimed_or_waited_for(world: World) -> None:
    world.engine.lag(2)
    free, bobs = held(world, None), held(world)

    assert (await hand_over(world, free, None)).outcome == "done"
    outcomes = [(await hand_over(world, bobs)).outcome for _ in range(2)]

    assert (free.assignee, outcomes, bobs.assignee) == ("carol", ["later", "done"], "carol")


@kinds("camunda8")
async def test_bob_who_is_shown_late_is_not_taken_for_somebody_new(world: World) -> None:
    task = held(world, None)
    world.engine.lag(1)
    task.assignee = "bob"

    outcomes = [(await hand_over(world, task)).outcome for _ in range(2)]

    assert (outcomes, task.assignee) == (["later", "done"], "carol")


@kinds("camunda8")
@pytest.mark.parametrize("had", [BOB, None])
async def test_a_task_that_is_just_being_changed_is_waited_for(world: World, had: EnginePerson | None) -> None:
    task = held(world, had)
    task.busy = "UPDATING"

    first = await hand_over(world, task, had)
    task.busy = ""

    assert (first.outcome, first.unsure) == ("later", False)
    assert (await hand_over(world, task, had)).outcome == "done"


# --- whatever happens -----------------------------------------------------------------------------------------------
COMMANDS = {
    "lost after": LOST_AFTER,
    "lost before": LOST_BEFORE,
    "gateway after": Fault(502, acts=True),
    "failed after": Fault(500, acts=True),
    "busy": Fault(503),
    "page": Fault(200),
    "query lost": Fault(roles=("query",)),
    "query page": Fault(404, roles=("query",)),
}
PEOPLE = ["dave takes", "bob takes", "carol takes", "nobody has it"]
STEPS = st.lists(
    st.sampled_from(["tell", "tell", "tell", "tell and die", "dave is faster", "completes", *COMMANDS, *PEOPLE]),
    max_size=10,
)


class Story:
    """One task that Bob has, or nobody, and one reassignment that is told until it has ended."""

    def __init__(self, world: World, had: EnginePerson | None) -> None:
        self.world, self.task = world, held(world, had)
        self.said = to_carol(world, self.task, had)
        self.result: Result | None = None

    async def live(self, step: str) -> None:
        task, people = self.task, {"dave": "dave", "nobody": None}
        people |= {"bob": name_of(self.world, BOB), "carol": name_of(self.world, CAROL)}
        if step in COMMANDS:
            self.world.engine.break_next(COMMANDS[step])
        elif step in ("tell", "tell and die"):
            await self.tell(dies=step == "tell and die")
        elif step == "dave is faster":
            self.world.engine.meanwhile = self.dave_is_faster
        elif step == "completes" and task.is_open:
            self.world.engine.book.somebody_completes(task, "dave")
        elif task.is_open:
            task.assignee = people.get(step.partition(" ")[0], task.assignee)

    def dave_is_faster(self) -> None:
        """Claiming a task takes it from nobody."""
        if self.task.is_open and self.task.assignee is None:
            self.task.assignee = "dave"

    async def tell(self, *, dies: bool = False) -> None:
        if self.result is not None and self.result.outcome in ("done", "handled"):
            return
        was_daves = self.task.assignee == "dave"
        result = await self.world.send(self.said)
        self.assert_true(result, was_daves=was_daves)
        self.result = None if dies else result
        self.said = dataclasses.replace(self.said, unsure=dies or result.unsure)

    def assert_true(self, result: Result, *, was_daves: bool) -> None:
        task, carol = self.task, name_of(self.world, CAROL)
        assert not was_daves or task.assignee == "dave", "taken from somebody who got it since"
        assert (result.outcome == "done") <= (task.assignee == carol)
        shown = result.standing
        assert shown is None or shown.is_open == task.is_open
        assert shown is None or not shown.is_known or shown.assignee == (task.assignee or "")
        if result.outcome == "handled":
            assert not task.is_open or task.assignee not in (carol, None)
            assert "meanwhile" not in result.detail or f"{task.assignee} has it" in result.detail

    async def settle(self) -> None:
        self.world.engine.faults, self.world.engine.meanwhile = [], None
        for _ in range(3):
            await self.tell()
        assert self.result is not None
        assert self.result.outcome in ("done", "handled"), self.result


async def live(world: World, steps: list[str], had: EnginePerson | None) -> None:
    story = Story(world, had)
    for step in steps:
        await story.live(step)
    await story.settle()


def test_any_interleaving_takes_it_from_nobody_who_got_it_since_and_ends_in_a_true_statement(kind: Kind) -> None:
    with running(kind) as (world, runner):

        @settings(max_examples=60, deadline=None)
        @given(STEPS, st.sampled_from([BOB, None]))
        @example(["dave is faster", "tell"], None)
        @example(["lost after", "tell", "dave takes", "tell"], BOB)
        @example(["lost after", "tell", "nobody has it", "dave is faster", "tell"], BOB)
        def holds(steps: list[str], had: EnginePerson | None) -> None:
            runner.run(live(world, steps, had))

        holds()
    assert world.engine.refused == []
