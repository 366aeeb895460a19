"""Passwords, keys and tokens: the engine lets us in, tokens are fetched once, and no secret is ever repeated."""

import asyncio
import dataclasses
import logging
import traceback

import pytest

from notifications.connectors.access import Access
from tests.engines.guards import SECRET, SERVICE, Basic, Key, Open
from tests.engines.server import Fault
from tests.engines.world import KINDS, World, only

with_tokens = only(lambda kind: kind.token is not None)
CROWD = 50


@pytest.mark.parametrize(
    ("guard", "signing"),
    [
        (Open(), {"auth": "none"}),
        (Basic(), {"auth": "basic", "name": SERVICE, "secret": SECRET}),
        (Key("Authorization", f"Bearer {SECRET}"), {"auth": "bearer", "secret": SECRET}),
        (Key("X-Engine-Key", SECRET), {"auth": "api_key", "header": "X-Engine-Key", "secret": SECRET}),
    ],
    ids=["none", "basic", "bearer", "key"],
)
async def test_every_way_to_sign_in_works_with_every_engine_and_only_with_the_right_secret(
    world: World, guard: object, signing: dict[str, str]
) -> None:
    world.engine.guard = guard
    task, access = world.open(), Access(world.engine.base, **signing)

    if access.auth != "none":
        wrong = dataclasses.replace(access, secret="wrong")
        refused = await world.send(world.said(task.id), access=wrong)
        assert (refused.outcome, refused.status, task.is_open) == ("misconfigured", 401, True)
    assert (await world.send(world.said(task.id), access=access)).outcome == "done"


async def test_a_password_in_any_language(world: World) -> None:
    secret = "pässwörd:你好"
    pair = Access("", "basic", "bob", secret)
    world.engine.guard = Key("Authorization", "Basic Ym9iOnDDpHNzd8O2cmQ65L2g5aW9")

    result = await world.send(world.said(world.open().id), access=dataclasses.replace(pair, base=world.engine.base))

    assert result.outcome == "done"


@pytest.mark.parametrize("auth", ["bearer", "api_key"])
async def test_a_key_that_no_header_can_hold_is_for_an_operator(world: World, auth: str) -> None:
    access = Access(world.engine.base, auth, secret="line one\r\nX-Evil: line two")

    result = await world.send(world.said(world.open().id), access=access)

    assert (result.outcome, "line two" in result.detail) == ("misconfigured", False)
    assert world.engine.log == []


# --- tokens ---------------------------------------------------------------------------------------------------
@with_tokens
async def test_fifty_answers_at_once_fetch_one_token(world: World) -> None:
    results = await asyncio.gather(*(world.tell(world.open()) for _ in range(CROWD)))

    assert {result.outcome for result in results} == {"done"}
    assert world.tokens.asked == 1


@with_tokens
async def test_a_token_is_used_until_shortly_before_its_end_and_not_longer(world: World) -> None:
    await world.tell(world.open())
    world.clock.now += world.tokens.life - 40
    await world.tell(world.open())
    assert world.tokens.asked == 1

    world.clock.now += 15  # 25 seconds are left: too few to rely on
    assert (await world.tell(world.open())).outcome == "done"
    assert (world.tokens.asked, world.engine.calls("command")) == (2, 3)


@with_tokens
@pytest.mark.parametrize("life", [1.0, 10.0, 45.0])
async def test_tokens_that_live_shortly_are_used_for_half_their_life_or_more(world: World, life: float) -> None:
    world.tokens.life = life
    await world.tell(world.open())
    world.clock.now += life * 0.4
    await world.tell(world.open()) if life < 60 else None
    assert (world.tokens.asked, world.engine.calls("command")) == (1, 2)


@with_tokens
async def test_tokens_that_are_taken_back_are_fetched_anew_once_for_all(world: World) -> None:
    await world.tell(world.open())
    world.tokens.revoke_all()
    tasks = [world.open() for _ in range(CROWD)]

    results = await asyncio.gather(*(world.tell(task) for task in tasks))

    assert {result.outcome for result in results} == {"done"}
    assert world.tokens.asked == 2
    assert all(len(task.completions) == 1 for task in tasks)


@with_tokens
async def test_an_engine_that_takes_no_token_is_asked_twice_and_no_more(world: World) -> None:
    task = world.open()
    world.engine.break_next(*[Fault(401, b"{}", "application/json")] * 5)

    result = await world.tell(task)

    assert (result.outcome, result.status, task.is_open) == ("misconfigured", 401, True)
    assert (world.tokens.asked, world.engine.calls("command")) == (2, 2)


@with_tokens
async def test_a_token_that_ends_between_two_calls_of_one_answer(world: World) -> None:
    task = world.open(assignee="carol")
    await world.tell(world.open())
    world.tokens.revoke_all()

    result = await world.tell(task, unsure=True)

    assert (result.outcome, len(task.completions), world.tokens.asked) == ("done", 1, 2)


TROUBLES = [
    ((None, "", b""), "later", None),
    ((503, "text/html", b"<h1>Busy</h1>"), "later", None),
    ((500, "application/json", b"{}"), "later", None),
    ((429, "application/json", b"{}"), "later", None),
    ((401, "application/json", b'{"error":"invalid_client"}'), "misconfigured", "invalid_client"),
    ((400, "application/json", b'{"error":"x","error_description":"no such tenant"}'), "misconfigured", "tenant"),
    ((404, "text/html", b"<h1>Not found</h1>"), "misconfigured", "404"),
    ((200, "text/html", b"<h1>Sign in</h1>"), "misconfigured", "200"),
    ((200, "application/json", b'{"access_token": 5}'), "misconfigured", "no token"),
    ((200, "application/json", b'{"access_token": "a\\nb"}'), "misconfigured", "no token"),
    ((302, "text/html", b""), "misconfigured", "302"),
]


@with_tokens
@pytest.mark.parametrize(("answer", "outcome", "word"), TROUBLES)
async def test_a_token_server_in_trouble(
    world: World, answer: tuple[int | None, str, bytes], outcome: str, word: str | None
) -> None:
    """Nothing has reached the engine, so there is nothing to be unsure of; and the next try begins anew."""
    task = world.open()
    world.tokens.answers = [answer]

    result = await world.tell(task)

    assert (result.outcome, result.unsure, world.engine.log) == (outcome, False, [])
    assert word is None or word in result.detail
    assert (await world.tell(task)).outcome == "done"


@with_tokens
async def test_a_token_server_that_is_away_is_asked_once_for_all_who_wait(world: World) -> None:
    """One after the other they would wait for ever: each for the deadline of all those before."""
    world.tokens.answers = [(None, "", b"")] * CROWD

    results = await asyncio.gather(*(world.tell(world.open()) for _ in range(CROWD)))

    assert {(result.outcome, result.down) for result in results} == {("later", True)}
    assert world.tokens.asked == 1


@with_tokens
async def test_one_who_stops_waiting_for_a_token_does_not_take_it_from_the_others(world: World) -> None:
    first = asyncio.create_task(world.tell(world.open()))
    second = asyncio.create_task(world.tell(world.open()))
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).outcome == "done"
    with pytest.raises(asyncio.CancelledError):
        await first


@with_tokens
async def test_other_credentials_have_other_tokens(world: World) -> None:
    await world.tell(world.open())

    result = await world.send(world.said(world.open().id), access=dataclasses.replace(world.access, secret="other"))

    assert (result.outcome, result.detail) == (
        "misconfigured",
        "The token server refuses our credentials: Invalid client or client credentials",
    )


# --- secrets --------------------------------------------------------------------------------------------------------
async def test_an_engine_that_repeats_our_secrets_is_not_repeated(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await world.tell(world.open())  # now there is a token, where there are tokens
    secrets = [each for each in world.line.secrets(world.access) if each]
    assert SECRET in secrets
    assert world.tokens is None or world.tokens.issued[-1] in secrets
    told = " and ".join(secrets)
    body = f'{{"message":"{told}","detail":"{told}","title":"{told}","exception":"{told}","type":"X","status":1}}'
    seen = []
    for status in (400, 401, 403, 404, 409, 422, 500):
        echo = Fault(status, body.encode(), "application/json", roles=("command", "query"))
        world.engine.break_next(*[echo] * 4)
        seen.append(await world.tell(world.open(), unsure=True))
        world.engine.faults.clear()

    assert_kept(secrets, str(seen), repr(world.access), repr(world.line), repr(vars(world.line)), caplog.text)


@with_tokens
async def test_a_token_server_that_repeats_our_secret_is_not_repeated(world: World) -> None:
    body = f'{{"error":"invalid_client","error_description":"{SECRET} is not the secret of {SERVICE}"}}'
    world.tokens.answers = [(401, "application/json", body.encode())]

    result = await world.tell(world.open())

    assert "is not the secret of" in result.detail
    assert_kept([SECRET], str(result))


async def test_a_failure_on_the_way_names_no_secret(world: World) -> None:
    await world.engine.stop()
    try:
        await world.kind.connector.check(world.api)
    except Exception as fault:
        told = "".join(traceback.format_exception(fault))
        assert_kept([SECRET, *world.line.secrets(world.access)], told, repr(fault))
    else:
        pytest.fail("there is no engine")


def assert_kept(secrets: list[str] | tuple[str, ...], *told: str) -> None:
    assert not [secret for secret in secrets if secret and any(secret in text for text in told)]


def test_every_kind_is_told_apart() -> None:
    assert [kind.name for kind in KINDS] == ["flowable", "opentext", "camunda7", "camunda8"]
