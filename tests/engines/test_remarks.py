"""What is no final answer: seen, asked, late, given to somebody else, read, and whether the connection works at all."""

import pytest

from notifications.connectors.api import Failed
from notifications.connectors.base import Result
from notifications.connectors.reasons import NO_PLACE
from tests.engines.server import Fault
from tests.engines.world import World, kinds, only

COMMENTS = {
    "acknowledge": "Bob Builder has seen this",
    "request_info": "Bob Builder asks: Which order?",
    "late": "Runs late, by the policy “Orders”.",
}
MESSAGES = {"reply": "Bob Builder replies: Order 7.", "comment": "Bob Builder writes: Order 7."}


@pytest.mark.parametrize("does", ["acknowledge", "request_info"])
async def test_it_is_a_comment_where_there_are_comments_and_never_ends_the_task(world: World, does: str) -> None:
    task = world.open()

    result = await world.tell(task, does=does, comment="Which order?" if does == "request_info" else "")

    assert (result.outcome, task.is_open) == ("done", True)
    assert task.comments == ([COMMENTS[does]] if world.kind.comments else [])
    assert world.engine.calls("command") == 0


@pytest.mark.parametrize("said", ["reply", "comment"])
async def test_a_message_is_a_comment_where_there_are_comments_and_is_kept_here_where_not(
    world: World, said: str
) -> None:
    task = world.open()

    result = await world.tell(task, does="message", action=said, comment="Order 7.")

    assert (result.outcome, task.is_open) == ("done", True)
    assert task.comments == ([MESSAGES[said]] if world.kind.comments else [])
    assert (result.reason.code == NO_PLACE.name) == (not world.kind.comments)
    assert world.engine.calls("command") == 0


async def test_a_task_that_runs_late_is_marked_as_the_engine_can(world: World) -> None:
    task = world.open()

    result = await world.tell(task, does="late", comment=COMMENTS["late"])

    assert (result.outcome, task.is_open) == ("done", True)
    assert task.comments == ([COMMENTS["late"]] if world.kind.comments else [])
    assert task.priority == (80 if world.kind.name == "camunda8" else 50)


async def test_nothing_is_added_to_what_the_engine_has_ended(world: World) -> None:
    """Camunda 7 keeps comments on what is over; the others have no place for them, or none at all."""
    task = world.open()
    world.engine.book.somebody_completes(task, "carol")

    result = await world.tell(task, does="late", comment=COMMENTS["late"])

    expected = {"flowable": "handled", "camunda8": "handled"}.get(world.kind.name, "done")
    assert (result.outcome, task.priority) == (expected, 50)


@only(lambda kind: kind.comments)
@pytest.mark.parametrize("does", ["acknowledge", "request_info", "late"])
async def test_a_comment_whose_reply_was_lost_is_there_once(world: World, does: str) -> None:
    task = world.open()
    world.engine.break_next(Fault(acts=True, roles=("comment",)))

    first = await world.tell(task, does=does, comment="Which order?")
    second = await world.tell(task, does=does, comment="Which order?", unsure=first.unsure)

    assert (first.outcome, first.unsure, second.outcome, len(task.comments)) == ("later", True, "done", 1)


@only(lambda kind: kind.comments)
async def test_a_comment_that_the_engine_failed_to_keep_is_told_again(world: World) -> None:
    words = b'{"type":"ProcessEngineException","message":"database is gone","exception":"database is gone"}'
    task = world.open()
    world.engine.break_next(Fault(500, words, "application/json", roles=("comment",)))

    first = await world.tell(task, does="acknowledge")
    second = await world.tell(task, does="acknowledge", unsure=first.unsure)

    assert (first.outcome, second.outcome, task.comments) == ("later", "done", [COMMENTS["acknowledge"]])


@kinds("camunda7")
async def test_no_right_to_comment_is_not_the_same_as_no_history(world: World) -> None:
    words = b'{"type":"AuthorizationException","message":"The user does not have one of these rights"}'
    world.engine.break_next(Fault(403, words, "application/json", roles=("comment",)))

    result = await world.tell(world.open(), does="acknowledge")

    assert (result.outcome, result.status) == ("misconfigured", 403)


async def test_an_answer_that_followed_a_question_is_not_called_uncertain(world: World) -> None:
    """Whether a question or its answer ended the task is no question: only final answers do."""
    task = world.open()
    world.engine.book.somebody_completes(task, "carol")

    result = await world.tell(task, does="request_info", comment="Which order?", unsure=True)

    assert "Whether by this answer" not in result.detail


# --- assign -------------------------------------------------------------------------------------------------
async def assigned(world: World, task: str, user: str = "dave") -> Result:
    try:
        return await world.kind.connector.assign(world.api, task, user)
    except Failed as failed:
        return failed.result


async def test_at_a_wrong_address_nothing_can_be_given_away(world: World) -> None:
    world.engine.moved_to = "/moved"

    assert (await assigned(world, world.open().id)).outcome == "misconfigured"


# --- read -----------------------------------------------------------------------------------------------------
async def test_a_task_is_read_as_it_stands(world: World) -> None:
    task = world.open(assignee="carol")
    connector = world.kind.connector

    standing = await connector.read(world.api, task.id)
    assert (standing.is_open, standing.assignee, standing.delegated, standing.by) == (True, "carol", False, "")

    world.engine.book.somebody_completes(task, "dave")
    standing = await connector.read(world.api, task.id)
    assert (standing.is_open, standing.by) == (False, "dave" if world.kind.told_by else "")


@only(lambda kind: kind.delegates)
async def test_a_delegated_task_is_read_as_delegated(world: World) -> None:
    task = world.open(assignee="carol")
    world.engine.book.delegate(task, "dave")

    standing = await world.kind.connector.read(world.api, task.id)

    assert (standing.is_open, standing.assignee, standing.delegated) == (True, "dave", True)


async def test_at_a_wrong_address_no_task_is_read_as_ended(world: World) -> None:
    """Else whoever follows the engine would close every task there is."""
    world.engine.moved_to = "/moved"

    with pytest.raises(Failed) as caught:
        await world.kind.connector.read(world.api, world.open().id)

    assert caught.value.result.outcome == "misconfigured"


@kinds("opentext")
async def test_where_opentext_reads_and_changes_a_task_can_be_said(world: World) -> None:
    """No document names the path. Until an administrator has, answers reach the engine all the same."""
    world.engine.reads_at = "/runtime/tasks"
    task, other = world.open(), world.open()

    assert (await world.tell(task, unsure=True)).outcome == "done"
    again = await world.tell(task, unsure=True)
    assert (again.outcome, "It does not say" in again.detail) == ("handled", True)

    assert (await assigned(world, other.id)).outcome == "misconfigured"
    world.paths = {"read_task": "/runtime/tasks/{task}", "update_task": "/runtime/tasks/{task}"}
    assert (await world.kind.connector.read(world.api, other.id)).is_open
    assert (await assigned(world, other.id)).outcome == "done"


# --- check ------------------------------------------------------------------------------------------------------
async def test_a_connection_that_works(world: World) -> None:
    assert await world.failure_of_check() is None


async def test_a_connection_with_a_wrong_path_a_wrong_secret_or_no_server(world: World) -> None:
    wrong_path = await world.failure_of_check(base=world.engine.origin + "/elsewhere")
    wrong_secret = await world.failure_of_check(secret="not the secret")
    await world.engine.stop()
    no_server = await world.failure_of_check()

    assert wrong_path is not None
    assert (wrong_path.outcome, wrong_path.status) == ("misconfigured", 404)
    assert wrong_secret is not None
    assert wrong_secret.outcome == "misconfigured"
    assert no_server is not None
    assert no_server.outcome == "later"


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b'{"hello": "world"}', b"[]", b'"ok"', b""])
async def test_a_server_that_says_200_to_everything_is_no_engine(world: World, body: bytes) -> None:
    kind = "text/html" if body.startswith(b"<") else "application/json"
    world.engine.break_next(Fault(200, body, kind, roles=("query",)))

    failure = await world.failure_of_check()

    assert failure is not None
    assert failure.outcome == "misconfigured"
