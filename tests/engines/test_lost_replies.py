"""Replies get lost, engines are busy, and answers are told again: engines act once, and we say only what is true."""

import asyncio
import dataclasses

import pytest

from notifications.connectors.access import Access, EngineClient
from notifications.connectors.base import Result
from tests.engines.book import Task
from tests.engines.guards import Open
from tests.engines.server import HTML, LOST_AFTER, LOST_BEFORE, Fault
from tests.engines.world import World, kinds, only
from tests.support.engines import LOOPBACK
from wfpush.net.http import Outbound

UNCERTAIN = "It does not say whether by this answer."


def by_us(world: World, task: Task) -> int:
    return sum(each.by == "wfpush-service" for each in task.completions)


def assert_told_truly(world: World, result: Result) -> None:
    """Of a task that our answer has completed."""
    if world.kind.told_by:
        assert (result.outcome, result.detail) == ("done", "Its first reply was lost; the engine had acted.")
    else:
        assert result.outcome == "handled"
        assert UNCERTAIN in result.detail


@pytest.mark.row_27
@pytest.mark.parametrize("fault", [LOST_AFTER, Fault(502, acts=True), Fault(504, acts=True), Fault(503, acts=True)])
async def test_a_reply_lost_after_the_engine_acted_leads_to_no_second_completion(world: World, fault: Fault) -> None:
    task, said = world.open(), world.said("", answer="a-1", comment="Fine.")
    said = dataclasses.replace(said, task=task.id)
    world.engine.break_next(fault)

    first = await world.send(said)
    assert (first.outcome, first.unsure, first.down) == ("later", True, True)

    assert_told_truly(world, await world.send(dataclasses.replace(said, unsure=True)))
    assert (by_us(world, task), len(task.comments) <= 1) == (1, True)


@pytest.mark.row_27
async def test_a_500_after_acting_is_looked_into_as_well(world: World) -> None:
    task = world.open()
    world.engine.break_next(Fault(500, acts=True))

    first = await world.tell(task, answer="a-1")
    assert first.outcome in ("later", "done")

    if first.outcome == "later":
        assert first.unsure
        assert_told_truly(world, await world.tell(task, answer="a-1", unsure=True))
    assert by_us(world, task) == 1


@pytest.mark.row_17
async def test_a_reply_that_never_ends_may_have_acted(world: World) -> None:
    world.engine.guard = Open()
    access = Access(world.engine.base)
    task = world.open()
    world.engine.break_next(Fault(200, slow=True, acts=True))

    async with Outbound(LOOPBACK, deadline=0.5) as impatient:
        first = await world.send(world.said(task.id, answer="a-1"), access=access, line=EngineClient(impatient))
    assert (first.outcome, first.unsure, first.down) == ("later", True, True)

    assert_told_truly(world, await world.send(world.said(task.id, answer="a-1", unsure=True), access=access))
    assert by_us(world, task) == 1


@pytest.mark.parametrize("fault", [LOST_BEFORE, Fault(502), Fault(503), Fault(504), Fault(429)])
async def test_what_failed_before_the_engine_acted_is_completed_once(world: World, fault: Fault) -> None:
    task = world.open()
    world.engine.break_next(fault, fault)

    first = await world.tell(task, answer="a-1", comment="Fine.")
    second = await world.tell(task, answer="a-1", comment="Fine.", unsure=first.unsure)
    third = await world.tell(task, answer="a-1", comment="Fine.", unsure=second.unsure)

    assert [first.outcome, second.outcome, third.outcome] == ["later", "later", "done"]
    assert (len(task.completions), len(task.comments)) == (1, 1 if world.kind.comments else 0)


@kinds("flowable", "opentext", "camunda7")
async def test_a_500_is_a_doubt_that_stays_when_looking_into_it_fails(world: World) -> None:
    words = b'{"type":"ProcessEngineException","message":"cannot commit","exception":"cannot commit"}'
    task = world.open()
    world.engine.break_next(Fault(500, words, "application/json", acts=True), Fault(429, roles=("query",)))

    first = await world.tell(task, answer="a-1")

    assert (first.outcome, first.status, first.unsure) == ("later", 429, True)
    assert_told_truly(world, await world.tell(task, answer="a-1", unsure=True))
    assert by_us(world, task) == 1


async def test_not_knowing_lasts_until_somebody_has_looked(world: World) -> None:
    """The look itself may fail: the next try must know that it is still unsure."""
    task = world.open()
    world.engine.break_next(LOST_AFTER, Fault(503, roles=("query", "command")), Fault(503, roles=("query", "command")))

    result = await world.tell(task, answer="a-1")
    for _ in range(2):
        result = await world.tell(task, answer="a-1", unsure=result.unsure)
        assert (result.outcome, result.unsure) == ("later", True)

    assert_told_truly(world, await world.tell(task, answer="a-1", unsure=result.unsure))
    assert by_us(world, task) == 1


async def test_what_carol_completed_while_we_were_unsure_is_not_ours(world: World) -> None:
    task = world.open()
    world.engine.break_next(LOST_BEFORE)
    assert (await world.tell(task, answer="a-1")).unsure
    world.engine.book.somebody_completes(task, "carol")

    result = await world.tell(task, answer="a-1", unsure=True)

    assert (result.outcome, by_us(world, task)) == ("handled", 0)
    assert UNCERTAIN in result.detail
    assert ("carol" in result.detail) is world.kind.told_by


async def test_another_answer_of_the_same_process_does_not_hide_what_we_know(world: World) -> None:
    """Both tasks write the variable by which answers are known; the later one wins."""
    first, second = world.open(process="4500"), world.open(process="4500")
    world.engine.break_next(LOST_AFTER)
    assert (await world.tell(first, answer="a-1")).unsure
    assert (await world.tell(second, answer="a-2")).outcome == "done"

    result = await world.tell(first, answer="a-1", unsure=True)

    assert result.outcome == "handled"
    assert UNCERTAIN in result.detail
    assert by_us(world, first) == 1


@only(lambda kind: kind.comments)
async def test_a_lost_comment_is_not_written_twice(world: World) -> None:
    task = world.open()
    world.engine.break_next(Fault(acts=True, roles=("comment",)))

    first = await world.tell(task, answer="a-1", comment="Fine.")
    second = await world.tell(task, answer="a-1", comment="Fine.", unsure=first.unsure)

    assert (first.outcome, second.outcome, len(task.comments)) == ("later", "done", 1)


@only(lambda kind: kind.delegates)
async def test_a_delegated_task_whose_resolving_was_lost_is_resolved_once(world: World) -> None:
    task = world.open(assignee="carol")
    world.engine.book.delegate(task, "dave")
    refusal = (
        b'{"type":"ProcessEngineException","message":"A delegated task cannot be completed",'
        b'"exception":"A delegated task cannot be completed"}'
    )
    world.engine.break_next(Fault(500, refusal, "application/json"), LOST_AFTER)

    first = await world.tell(task, answer="a-1")
    second = await world.tell(task, answer="a-1", unsure=first.unsure)

    assert (first.outcome, first.unsure, second.outcome) == ("later", True, "done")
    assert (task.resolved, len(task.completions)) == (1, 1)


# --- busy -----------------------------------------------------------------------------------------------------
WAITS = {"120": 120.0, "0": 0.0, "1000000000": 86400.0, "-5": None, "soon": None, "": None}


@pytest.mark.row_18
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_engine_says_how_long_and_is_believed_within_a_day(world: World, status: int) -> None:
    for header, seconds in WAITS.items():
        world.engine.break_next(Fault(status, headers={"Retry-After": header} if header else {}))
        result = await world.tell(world.open())
        assert (result.outcome, result.status, result.retry_after, result.down) == ("later", status, seconds, True)


async def test_an_engine_that_is_away_has_not_acted(world: World) -> None:
    task = world.open()
    await world.engine.stop()

    result = await world.tell(task)

    assert (result.outcome, result.unsure, result.down) == ("later", False, True)


# --- proxies and wrong addresses --------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [200, 201, 400, 404, 409, 410, 301, 302])
async def test_a_page_is_nobodys_answer(world: World, status: int) -> None:
    """A login page says 200, a wrong path says 404 in HTML: neither is the engine."""
    task = world.open()
    world.engine.break_next(Fault(status, HTML, headers={"Location": "https://login.example.com/"}))

    result = await world.tell(task)

    assert (result.outcome, task.is_open) == ("misconfigured", True)
    assert str(status) in result.detail


async def test_a_page_that_is_longer_than_what_we_read_is_still_a_page(world: World) -> None:
    task = world.open()
    world.engine.break_next(Fault(200, HTML + b" " * 100_000))

    result = await world.tell(task)

    assert (result.outcome, task.is_open) == ("misconfigured", True)


@kinds("flowable", "camunda7", "camunda8")
@pytest.mark.parametrize("body", [b'{"status":"queued"}', b'{"error":"try again"}', b"[]", b"null"])
async def test_an_engine_that_says_nothing_when_it_has_acted_has_not_when_it_says_something(
    world: World, body: bytes
) -> None:
    """As gateways do that say 200 to everything."""
    task = world.open()
    world.engine.break_next(Fault(200, body, "application/json"))

    first = await world.tell(task)
    assert (first.outcome, first.unsure, task.is_open) == ("misconfigured", True, True)
    assert (await world.tell(task, unsure=True)).outcome == "done"


async def test_an_answer_that_two_processes_tell_at_once_is_taken_once(world: World) -> None:
    """A lease has run out while its holder still lives."""
    task = world.open()
    said = world.said(task.id)

    results = await asyncio.gather(*(world.send(said) for _ in range(8)))

    outcomes = [result.outcome for result in results]
    assert len(task.completions) == 1
    assert set(outcomes) <= ({"done"} if world.kind.told_by else {"done", "handled"})


@pytest.mark.parametrize("status", [200, 404])
async def test_a_page_instead_of_the_task_says_nothing_about_it(world: World, status: int) -> None:
    """Whoever reads the task back gets a page; the command tells what is so."""
    task = world.open()
    world.engine.break_next(Fault(status, HTML, roles=("query",)))

    result = await world.tell(task, answer="a-1", unsure=True)

    assert result.outcome in ("done", "misconfigured")
    assert len(task.completions) == (result.outcome == "done")


async def test_an_address_that_is_not_the_interfaces_is_never_handled(world: World) -> None:
    """The server is the engine's and says 404 in its own JSON; its interface is elsewhere."""
    task = world.open()
    world.engine.moved_to = "/moved"

    for unsure in (False, True):
        result = await world.tell(task, unsure=unsure)
        assert (result.outcome, task.is_open) == ("misconfigured", True), result


async def test_an_engine_that_says_not_found_for_everything_is_never_handled(world: World) -> None:
    """A gateway in front that has learnt the engine's words for 404."""
    words = (
        b'{"message":"Not found","exception":"no route","type":"RestException","title":"Not Found","status":404,'
        b'"detail":"no route"}'
    )
    everything = Fault(404, words, "application/json", roles=("command", "query", "comment"))
    world.engine.break_next(*[everything] * 20)

    for unsure in (False, True):
        assert (await world.tell(world.open(), unsure=unsure)).outcome == "misconfigured"


@pytest.mark.row_18
@pytest.mark.parametrize("status", [401, 403])
async def test_an_engine_that_does_not_let_us_in_is_for_an_operator(world: World, status: int) -> None:
    task = world.open()
    refused = Fault(status, b'{"message":"no"}', "application/json")
    world.engine.break_next(refused, refused)

    result = await world.tell(task)

    assert (result.outcome, result.status, task.is_open) == ("misconfigured", status, True)
