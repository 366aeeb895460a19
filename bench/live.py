"""How fast an event reaches open inboxes: one inbox on an idle system, and a thousand at once."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from statistics import median
from typing import Any

import aiohttp

from bench.api import Api
from bench.harness import HOST, BenchError, Figure, House, Json, Program, percentile
from bench.listeners import greeting_of, open_inbox

RUNS = 3
EVENTS = 200
WARM_UP = 20
INBOXES = 1_000
PATIENCE_SECONDS = 30.0
MOST = {0.5: 0.040, 0.99: 0.120}
"""Seconds from the 202 to the frame, by the share of events."""
WAKE = "bench.peers.wake.settings"
CHANNELS = "bench.peers.live_channels.settings"

_numbers = count(1)


def task_assigned(**people: object) -> Json:
    """A new task each time."""
    number = next(_numbers)
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "bench",
        "type": "task.assigned",
        "data": {
            "task": {
                "id": f"T-{number}",
                "name": f"Approve invoice {number}",
                "description": "12 chairs for the meeting room, delivered on Monday.",
                "kind": "approval",
                "actions": ["acknowledge", "approve", "reject", "request_info"],
                **people,
            },
            "case": {"id": f"C-{number}", "title": f"Invoice {number}"},
            "variables": {"amount": 1200.5, "currency": "EUR"},
        },
    }


async def measure(house: House) -> list[Figure]:
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        return [*await _one_inbox(house, session, api), *await _many_inboxes(house, api)]


# --- one event, one inbox -------------------------------------------------------------------------
async def _one_inbox(house: House, session: aiohttp.ClientSession, api: Api) -> list[Figure]:
    token = await api.token_for("bob", "Bob")
    ours, peer = [], []
    with house.running("peer's cluster", "django", "qcluster", settings=WAKE):
        socket, _seq = await open_inbox(session, f"{house.url}/ws/inbox", greeting_of(token))
        await _one_by_one(api, socket, WARM_UP)
        for _ in range(RUNS):
            ours.append(await _one_by_one(api, socket, EVENTS))
            peer.append(
                house.inside("peers.wake.tasks", str(EVENTS), DJANGO_SETTINGS_MODULE=WAKE)
            )  # nothing else is to run meanwhile
        await socket.close()
    return [_latency(share, ours, peer) for share in MOST]


async def _one_by_one(api: Api, socket: aiohttp.ClientWebSocketResponse, events: int) -> list[float]:
    """Seconds from each 202 to the frame. Each event is sent when the frame of the one before is there."""
    seconds = []
    for _ in range(events):
        event = task_assigned(assignee="bob")
        frame = asyncio.create_task(_next(socket))
        await api.call("POST", "/events", event)
        accepted = time.monotonic()
        arrived, notification = await asyncio.wait_for(frame, PATIENCE_SECONDS)
        if notification["task"]["id"] != event["data"]["task"]["id"]:
            raise BenchError(f"Another task's frame: {notification}")
        seconds.append(arrived - accepted)
    return seconds


async def _next(socket: aiohttp.ClientWebSocketResponse) -> tuple[float, Any]:
    """When the next item arrived, and the item."""
    while True:
        text = await socket.receive_str(timeout=PATIENCE_SECONDS)
        arrived = time.monotonic()
        frame = json.loads(text)
        if frame["type"] == "notification":
            return arrived, frame["notification"]


def _latency(share: float, ours: Sequence[Sequence[float]], peer: Sequence[Sequence[float]]) -> Figure:
    """The median over the runs of each run's percentile."""
    of_ours, of_peer = (1_000 * median(percentile(run, share) for run in runs) for runs in (ours, peer))
    most, name = 1_000 * MOST[share], f"p{share * 100:g}"
    what, peer_is = f"One event, one inbox: 202 to frame, {name}", f"django-q2 task starts, {name}"
    return Figure(what, of_ours, peer_is, of_peer, "ms", f"under {most:g} ms", of_ours < most)


# --- one event, a thousand inboxes ----------------------------------------------------------------
async def _many_inboxes(house: House, api: Api) -> list[Figure]:
    people = await api.make_people("person", INBOXES)
    await api.call("PUT", "/teams/crowd", {"name": "Crowd", "members": list(people)})
    ours, peer = 1_000 * median(await _ours(house, api, list(people.values()))), 1_000 * median(_peers(house))
    what, peer_is = f"One event, {INBOXES:,} inboxes: 202 to the last frame", "group_send to as many, nothing stored"
    return [Figure(what, ours, peer_is, peer, "ms", "under 1000 ms", ours < 1_000)]


async def _ours(house: House, api: Api, tokens: Sequence[str]) -> list[float]:
    seconds = []
    with listening(house, f"{house.url}/ws/inbox", [greeting_of(token) for token in tokens]) as reports:
        for _ in range(RUNS + 1):
            await api.call("POST", "/events", task_assigned(teams=["crowd"]))
            accepted = time.monotonic()
            seconds.append(max(await asyncio.to_thread(reports.next)) - accepted)
    return seconds[1:]  # the first one warms up


def _peers(house: House) -> list[float]:
    seconds = []
    with (
        house.daphne("bench.peers.live_channels.app:application", CHANNELS) as port,
        listening(house, f"http://{HOST}:{port}/ws/inbox", [[{"user": user}] for user in range(INBOXES)]) as reports,
    ):
        for _ in range(RUNS + 1):
            began = house.inside("peers.live_channels.sender", str(INBOXES), DJANGO_SETTINGS_MODULE=CHANNELS)
            seconds.append(max(reports.next()) - began)
    return seconds[1:]


class Reports:
    """What `bench.listeners` prints, one line after the other."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._read = 0

    def next(self) -> list[float]:
        """Raises BenchError when there is none in time."""
        self._read += 1
        self._program.wait_until(lambda: len(self._lines()) >= self._read, "every open inbox has its frame")
        times: list[float] = json.loads(self._lines()[self._read - 1])
        return times

    def _lines(self) -> list[str]:
        return [line for line in self._program.said.splitlines(keepends=True) if line[0] == "[" and line[-1] == "\n"]


@contextmanager
def listening(house: House, url: str, greetings: Sequence[Sequence[Json]]) -> Iterator[Reports]:
    """Open inboxes in another process."""
    file = house.folder / "greetings.json"
    file.write_text(json.dumps(greetings), encoding="utf-8")
    program = house.start("open inboxes", sys.executable, "-m", "bench.listeners", url, str(file))
    try:
        reports = Reports(program)
        reports.next()  # all are open
        yield reports
    finally:
        program.stop()
