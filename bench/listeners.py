"""Many open inboxes in a process of their own, which notes when each frame arrives."""

import asyncio
import json
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
import uvloop

from bench.harness import BenchError, Json, at_once

OPEN_SECONDS = 60.0


def listen(reports: Connection) -> None:
    """Receive a URL and greetings, open one WebSocket per greeting, say it, and report.

    Reports "open" once every socket has its `synced`, then, whenever each socket got one more frame, the seconds of
    the monotonic clock at which each did; at last, should it come to that, the fault as text.
    """
    url, greetings = reports.recv()
    try:
        uvloop.run(_listen(reports, url, greetings))
    except Exception as fault:  # told to the process that waits for the report
        reports.send(f"{type(fault).__name__}: {fault}")


async def _listen(reports: Connection, url: str, greetings: Sequence[Sequence[Json]]) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        sockets = await at_once([_open(session, url, greeting) for greeting in greetings])
        reports.send("open")
        rounds = Rounds(reports, len(sockets))
        await asyncio.gather(*(_follow(socket, rounds) for socket in sockets))


async def _open(
    session: aiohttp.ClientSession, url: str, greeting: Sequence[Json]
) -> "tuple[aiohttp.ClientWebSocketResponse, int]":
    """A socket and the last seq of its inbox."""
    socket = await session.ws_connect(url, compress=0, max_msg_size=0)
    for message in greeting:
        await socket.send_json(message)
    while True:
        said = await socket.receive_json(timeout=OPEN_SECONDS)
        if said["type"] == "synced":
            return socket, int(said["seq"])


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

    def __init__(self, reports: Connection, sockets: int) -> None:
        self._reports = reports
        self._sockets = sockets
        self._times: list[float] = []

    def arrived(self, at: float) -> None:
        self._times.append(at)
        if len(self._times) == self._sockets:
            self._reports.send(self._times)
            self._times = []


def expect(reports: Connection, within: float) -> Any:
    """The next report. Raises BenchError when there is none in time, or something went wrong."""
    if not reports.poll(within):
        raise BenchError(f"Not every open inbox had its frame within {within:g} s.")
    try:
        report = reports.recv()
    except EOFError:
        raise BenchError("The process with the open inboxes has ended.") from None
    if isinstance(report, str) and report != "open":
        raise BenchError(f"The open inboxes: {report}")
    return report
