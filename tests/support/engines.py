"""Engines on loopback, well-behaved and rude, for tests of the outbound door."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wfpush.net.http import OutboundError

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def engine(
    handler: Handler, host: str = "127.0.0.1", port: int | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[TestServer]:
    """An engine that speaks HTTP as it should."""
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", handler)
    server = TestServer(application, host=host, port=port)
    await server.start_server(ssl=tls)
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def rude_engine(conversation: Conversation) -> AsyncIterator[str]:
    """An engine that does with its connections what the conversation says; gives its address."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await conversation(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def answer(request: web.Request) -> web.StreamResponse:
    return web.Response(text="advanced", headers={"Retry-After": "7"})


async def failure_of(awaitable: Awaitable[object]) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        await awaitable
    return caught.value
