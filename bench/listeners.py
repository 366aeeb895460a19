"""`python -m bench.listeners URL FILE`: many open inboxes, which note when each frame arrives.

The file has their greetings. Prints an empty JSON array once every socket has its `synced`, then, whenever each socket
got one more frame, an array of the seconds of the monotonic clock at which each did.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import uvloop

from bench.api import at_once
from bench.harness import Json

OPEN_SECONDS = 60.0


def greeting_of(token: str) -> list[Json]:
    """What somebody with a recipient token says first."""
    return [{"type": "auth", "token": token}, {"type": "resume", "after": 0}]


async def open_inbox(
    session: aiohttp.ClientSession, url: str, greeting: Sequence[Json]
) -> "tuple[aiohttp.ClientWebSocketResponse, int]":
    """A socket whose inbox is in step, and the last seq of that."""
    socket = await session.ws_connect(url, compress=0, max_msg_size=0)
    for message in greeting:
        await socket.send_json(message)
    while True:
        frame = await socket.receive_json(timeout=OPEN_SECONDS)
        if frame["type"] == "synced":
            return socket, int(frame["seq"])


async def _follow(opened: "tuple[aiohttp.ClientWebSocketResponse, int]", rounds: "Rounds") -> None:
    """Raises AssertionError when a frame is missed."""
    socket, seq = opened
    async for message in socket:
        arrived = time.monotonic()
        said = json.loads(message.data)
        assert (said["prev"], said["seq"]) == (seq, seq + 1), f"a frame was missed: {seq}, then {said}"
        seq += 1
        rounds.arrived(arrived)
    raise AssertionError(f"a socket was closed: {socket.close_code}")


class Rounds:
    """Every socket gets one frame an event; an event is over when the last one has it."""

    def __init__(self, sockets: int) -> None:
        self._sockets = sockets
        self._times: list[float] = []

    def arrived(self, at: float) -> None:
        self._times.append(at)
        if len(self._times) == self._sockets:
            print(json.dumps(self._times), flush=True)
            self._times = []


async def listen(url: str, greetings: Sequence[Sequence[Json]]) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sockets = await at_once([open_inbox(session, url, greeting) for greeting in greetings])
        print("[]", flush=True)
        rounds = Rounds(len(sockets))
        await asyncio.gather(*(_follow(socket, rounds) for socket in sockets))


if __name__ == "__main__":
    uvloop.run(listen(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))
