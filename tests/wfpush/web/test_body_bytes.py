"""Bodies that are being received, or worked on, have a bound of bytes: for each network address, and in all."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from wfpush.web.bodylimit import BATCH_TYPE, BODY_LIMIT, MAX_BYTES, MAX_BYTES_OF_ADDRESS, SMALL, BodyLimit, Message

BATCH = 8 * BODY_LIMIT
MINE = MAX_BYTES_OF_ADDRESS // BATCH
ALL = MAX_BYTES // BATCH


class Server:
    """The wrapper around an application that reads bodies, and answers when it is told to."""

    def __init__(self, proxies: int = 0) -> None:
        self.wrapper = BodyLimit(self.application, proxies=proxies)
        self.may_answer = asyncio.Event()

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        scope["read"].set()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    @asynccontextmanager
    async def sending(self, address: str, size: int = BATCH) -> AsyncIterator[list[Message]]:
        """Send such a body; gives what is sent back, once the body is read or refused."""
        sent: list[Message] = []
        read = asyncio.Event()
        pieces = [min(SMALL, size - at) for at in range(0, size, SMALL)]
        headers = [(b"content-type", BATCH_TYPE), (b"x-forwarded-for", f"192.0.2.1, {address}".encode())]
        scope = {"type": "http", "path": "/", "headers": headers, "client": (address, 1), "read": read}

        async def receive() -> Message:
            return {"type": "http.request", "body": bytes(pieces.pop(0)), "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            sent.append(message)
            read.set()

        task = asyncio.create_task(self.wrapper(scope, receive, send))
        await read.wait()
        yield sent
        self.may_answer.set()
        await task


async def test_one_address_holds_so_many_bytes_and_others_go_on() -> None:
    server = Server()
    async with AsyncExitStack() as stack:
        taken = [await stack.enter_async_context(server.sending("198.51.100.7")) for _ in range(MINE)]
        refused = await stack.enter_async_context(server.sending("198.51.100.7"))
        other = await stack.enter_async_context(server.sending("198.51.100.8"))
        assert refused[0]["status"] == 429
        assert (b"retry-after", b"5") in refused[0]["headers"]
        assert json.loads(refused[1]["body"])["code"] == "too_many_requests"
        assert taken == [[]] * MINE and other == []

    assert [each[0]["status"] for each in [*taken, other]] == [200] * (MINE + 1)
    async with server.sending("198.51.100.7") as again:
        assert again[0]["status"] == 200  # all was given back


async def test_many_addresses_hold_so_many_bytes_and_what_is_small_is_always_read() -> None:
    server = Server()
    async with AsyncExitStack() as stack:
        for number in range(ALL):
            await stack.enter_async_context(server.sending(f"2001:db8:{number}::1"))
        refused = await stack.enter_async_context(server.sending("198.51.100.8"))
        small = await stack.enter_async_context(server.sending("198.51.100.8", SMALL))
        assert refused[0]["status"] == 503
        assert (b"retry-after", b"5") in refused[0]["headers"]
        assert small == []


@pytest.mark.parametrize(("proxies", "mine"), [(0, [f"2001:db8:0:1::{n}" for n in range(9)]), (1, ["203.0.113.7"] * 9)])
async def test_an_address_is_what_the_outermost_proxy_saw_and_a_network_of_ipv6(proxies: int, mine: list[str]) -> None:
    server = Server(proxies)
    async with AsyncExitStack() as stack:
        for number in range(MINE):
            assert await stack.enter_async_context(server.sending(mine[number])) == []
        assert (await stack.enter_async_context(server.sending(mine[8])))[0]["status"] == 429
