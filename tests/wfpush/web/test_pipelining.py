"""Of requests that one connection sends ahead of their answers, few bytes are kept: the others stay with the client."""

import asyncio
from typing import Any

import uvicorn

from wfpush.web.server import Requests, State

COUNT, SIZE = 300, 60_000
ONE_READ = 256 * 1024
"""What asyncio reads of a socket at once."""
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % SIZE + b"x" * SIZE


async def test_bodies_that_wait_for_their_turn_stay_with_the_client() -> None:
    connections: list[Requests] = []
    waiting: list[int] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        waiting.append(sum(len(cycle.body) for cycle, _ in connections[0].pipeline))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await asyncio.sleep(0)  # the client sends on meanwhile
        await send({"type": "http.response.body", "body": b"%d" % size})

    def connected() -> Requests:
        connections.append(Requests(config, State(), {}))
        return connections[0]

    config = uvicorn.Config(application, log_config=None)
    config.load()
    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(REQUEST * COUNT)
        for _ in range(COUNT):
            await reader.readuntil(b"60000")
        writer.close()

    assert max(waiting) <= 2 * ONE_READ
