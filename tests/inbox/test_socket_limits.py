"""Sockets that are sent wrong frames: they answer or close, are limited, and give their places back."""

import asyncio
import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.http import HttpRequest
from django.test import override_settings

from notifications.inbox import consumers, socket_limits
from notifications.inbox.socket_limits import TokenBucket
from tests.support.live_inbox import (
    OURS,
    close_code,
    cookie_of,
    frame,
    inbox_of,
    resume,
    socket,
)
from tests.support.story import Story
from wfpush.asgi import application

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_connection_stays")]


@pytest.fixture(autouse=True)
def nobody_resumed_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_limits, "_resumes", {})


# --- odd frames -----------------------------------------------------------------------------------
ODD = {
    "deep": "[" * 15_000,
    "deep objects": '{"type":' * 1_800,
    "numbers": "[" + "1," * 8_000 + "1]",
    "NUL": '{"type": "resume", "after": "\\u0000"}',
    "half a pair": '{"type": "\\ud800"}',
    "twice": '{"type": "resume", "type": "auth"}',
    "NaN": '{"type": "resume", "after": NaN}',
    "digits": '{"type": "resume", "after": ' + "9" * 5_000 + "}",
    "a type that is none": '{"type": ["resume"]}',
    "a name of ours": '{"type": "inbox.changed", "seq": 1}',
    "a type that is unknown": '{"type": "shout"}',
    "no JSON": "no json",
    "no object": "[]",
    "too long": "x" * 20_000,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
async def test_an_odd_frame_is_told_so_and_the_socket_lives(story: Story, text: str) -> None:
    async with inbox_of(story.bob) as (communicator, _):
        await communicator.send_to(text_data=text)
        assert (await frame(communicator))["type"] == "error"
        assert (await resume(communicator, 0))[-1]["type"] == "synced"
    assert socket_limits.places_taken() == 0


async def test_bytes_are_no_frame(story: Story) -> None:
    async with inbox_of(story.bob) as (communicator, _):
        await communicator.send_to(bytes_data=b"\x00\xff")
        assert (await frame(communicator))["type"] == "error"


@pytest.mark.parametrize("text", ["[" * 15_000, '{"type": "auth", "token": "\\u0000"}', "{}"])
async def test_a_strangers_frame_closes_or_is_an_error(story: Story, text: str) -> None:
    async with socket() as communicator:
        await communicator.send_to(text_data=text)
        said = await communicator.receive_output(timeout=10)
        assert said.get("code") == consumers.NOT_SIGNED_IN or json.loads(said["text"])["type"] == "error"


# --- faults of ours -------------------------------------------------------------------------------
async def fail(*args: object) -> None:
    raise RuntimeError("a fault of ours")


async def test_whatever_fails_the_socket_is_closed_and_its_place_free(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_limits, "MAX_SOCKETS", 1)
    for _ in range(3):
        async with inbox_of(story.bob) as (communicator, _):
            with monkeypatch.context() as broken:
                broken.setattr(consumers.InboxConsumer, "_resume", fail)
                await communicator.send_to(text_data='{"type": "resume", "after": 0}')
                assert await close_code(communicator) == consumers.FAILED
            assert socket_limits.places_taken() == 0
            await communicator.send_to(text_data='{"type": "resume", "after": 0}')
            assert await communicator.receive_nothing(timeout=0.1)


async def test_a_check_that_fails_closes_the_socket_instead_of_ending_unseen(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    async with inbox_of(story.bob) as (communicator, _):
        monkeypatch.setattr(consumers.InboxConsumer, "_still_signed_in", lambda self: 1 / 0)
        assert await close_code(communicator) == consumers.FAILED
        assert socket_limits.places_taken() == 0


async def test_a_socket_that_the_server_gives_up_gives_its_place_back(story: Story) -> None:
    """As when the server stops waiting for a consumer: its task is cancelled, and no `disconnect` comes."""
    cookie = await database_sync_to_async(cookie_of)(story.bob)
    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", OURS), (b"cookie", cookie)]
    given_up = WebsocketCommunicator(application, "/ws/inbox", headers=headers)
    await given_up.connect(timeout=10)
    await resume(given_up, 0)
    assert socket_limits.places_taken() == 1

    given_up.future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up.future

    assert socket_limits.places_taken() == 0


# --- many frames ----------------------------------------------------------------------------------
async def test_the_same_frame_300_times_is_answered_a_few_times_then_the_socket_closes(story: Story) -> None:
    async with inbox_of(story.bob) as (communicator, _):
        for _ in range(300):
            await communicator.send_to(text_data='{"type": "resume", "after": 0}')
        said = []
        while (output := await communicator.receive_output(timeout=10))["type"] == "websocket.send":
            said.append(json.loads(output["text"])["type"])

        assert output["code"] == consumers.TOO_OFTEN
        assert said[-1] == "error"
        assert len(said) <= socket_limits.FRAMES + 2
        assert socket_limits.places_taken() == 0


async def test_all_sockets_of_a_person_together_resume_so_often(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_limits, "RESUMES", 2)
    monkeypatch.setattr(socket_limits, "RESUMES_A_SECOND", 0.0)
    async with inbox_of(story.bob), inbox_of(story.bob) as (second, _):
        await second.send_to(text_data='{"type": "resume", "after": 0}')
        assert (await frame(second))["type"] == "error"
        assert await close_code(second) == consumers.TOO_OFTEN
        async with inbox_of(story.carol) as (_, frames):
            assert frames[-1]["type"] == "synced"


async def test_while_one_persons_answer_takes_long_others_are_served(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob's sockets take one thread, however many they are; Carol is answered before any of them."""
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    since = consumers.InboxConsumer._since

    def slow(self: Any, after: int) -> Any:
        if self.recipient == story.bob:
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(timeout=30)
        return since(self, after)

    async with inbox_of(story.bob) as (one, _), inbox_of(story.bob) as (two, _), inbox_of(story.bob) as (three, _):
        bobs = [one, two, three]
        monkeypatch.setattr(consumers.InboxConsumer, "_since", slow)
        for communicator in bobs * 2:
            await communicator.send_to(text_data='{"type": "resume", "after": 0}')
        async with inbox_of(story.carol) as (_, frames):
            assert frames[-1]["type"] == "synced"
        gate.set()
        for communicator in bobs:
            assert (await frame(communicator))["type"] == "synced"


def test_an_allowance_grows_back_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(socket_limits.time, "monotonic", lambda: now[0])
    allowance = TokenBucket(2, 0.5)

    assert [allowance.take() for _ in range(3)] == [True, True, False]
    now[0] += 2
    assert [allowance.take() for _ in range(2)] == [True, False]
    now[0] += 1_000
    assert allowance.unused
    assert [allowance.take() for _ in range(3)] == [True, True, False]


def test_who_resumed_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_limits, "_MOST_KEPT", 10)
    monkeypatch.setattr(socket_limits, "RESUMES_A_SECOND", 1e9)

    assert all(socket_limits.may_resume(person) for person in range(100))
    assert len(socket_limits._resumes) <= 10


# --- other addresses, odd handshakes --------------------------------------------------------------
@pytest.mark.parametrize("path", ["/ws/other", "/ws/", "/", "/ws/inbox/", "/admin/", "/ws/inbox%00", "/ws/inbox\x00"])
async def test_a_socket_elsewhere_is_refused_without_a_fault(path: str) -> None:
    communicator = WebsocketCommunicator(application, path, headers=[(b"host", b"127.0.0.1:8000")])

    assert (await communicator.connect(timeout=10))[0] is False
    await communicator.wait(timeout=10)


@pytest.mark.parametrize(
    ("path", "cookie"),
    [
        ("/ws/inbox?x=%00", b""),
        ("/ws/inbox", b"sessionid=a\x00b"),
        ("/ws/inbox", b'sessionid="a\\000b"'),
        ("/ws/inbox", b'other="\\000"'),
    ],
)
async def test_a_handshake_with_nul_is_refused(path: str, cookie: bytes) -> None:
    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", OURS), (b"cookie", cookie)]
    communicator = WebsocketCommunicator(application, path, headers=headers)

    assert (await communicator.connect(timeout=10))[0] is False


# --- whose page -----------------------------------------------------------------------------------
def handshake(origin: str, host: str, scheme: str = "ws", **headers: str) -> HttpRequest:
    given = {"host": host, "origin": origin, **headers}
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
    scope = {"path": "/ws/inbox", "scheme": scheme, "headers": pairs, "server": ("127.0.0.1", 8000)}
    return socket_limits.handshake(scope)


@pytest.mark.parametrize(
    ("request_", "ours"),
    [
        (handshake("http://127.0.0.1:9000", "127.0.0.1:9000"), True),
        (handshake("http://localhost:9000", "localhost:9000"), True),
        (handshake("http://[::1]:9000", "[::1]:9000"), True),
        (handshake("http://localhost", "localhost"), True),
        (handshake("http://localhost:80", "localhost"), True),
        (handshake("http://localhost:9000", "localhost"), False),
        (handshake("http://localhost", "localhost:9000"), False),
        (handshake("http://localhost:9001", "localhost:9000"), False),
        (handshake("https://localhost:9000", "localhost:9000"), False),
        (handshake("https://localhost:9000", "localhost:9000", "wss"), True),
        (handshake("http://elsewhere.example", "elsewhere.example"), False),
        (handshake("https://push.example.com", "push.example.com"), True),
        (handshake("https://push.example.com:443", "127.0.0.1:8000"), True),
        (handshake("http://push.example.com", "127.0.0.1:8000"), False),
        (handshake("https://push.example.com:8443", "push.example.com"), False),
        (handshake("https://localhost", "localhost", x_forwarded_proto="https"), True),
        (handshake("http://localhost", "localhost", x_forwarded_proto="https"), False),
    ],
)
def test_a_page_is_ours_by_scheme_host_and_port(request_: HttpRequest, ours: bool) -> None:
    """As Django's check against forgery decides of forms; behind a proxy by BASE_URL and what the proxy says."""
    with override_settings(
        CSRF_TRUSTED_ORIGINS=["https://push.example.com"], SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
    ):
        assert socket_limits.is_own_origin(request_) is ours


def test_the_address_of_the_installation_is_trusted() -> None:
    assert settings.BASE_URL in settings.CSRF_TRUSTED_ORIGINS
