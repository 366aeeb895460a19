"""How fast an event reaches open inboxes: one inbox on an idle system, and a thousand at once."""

import asyncio
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

import aiohttp

from bench.harness import (
    HOST,
    Api,
    BenchError,
    Figure,
    House,
    Json,
    at_once,
    free_port,
    median,
    percentile,
    takes_calls,
)
from bench.listeners import expect, listen

RUNS = 3
EVENTS = 200
WARM_UP = 20
POLLS = 25
INBOXES = 1_000
PATIENCE_SECONDS = 30.0

WAKE_SETTINGS = "--settings=bench.peers.wake.settings"
WAKE = ("django", "wake", WAKE_SETTINGS)
POLL = ("bench.peers.wake.poll",)

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
        return [*await one_inbox(house, session, api), *await many_inboxes(house, api)]


# --- one event, one inbox -------------------------------------------------------------------------
@dataclass
class Timings:
    """Seconds until the frame, one for each event: since the request was sent, and since its 202 was there."""

    sent: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)


async def one_inbox(house: House, session: aiohttp.ClientSession, api: Api) -> list[Figure]:
    token = await api.token_for("bob", "Bob")
    runs: list[Timings] = []
    wakes: list[list[float]] = []
    polls: list[list[float]] = []
    with house.running("peer's cluster", "django", "qcluster", WAKE_SETTINGS):
        async with session.ws_connect(f"{house.url}/ws/inbox") as socket:
            await socket.send_json({"type": "auth", "token": token})
            await socket.send_json({"type": "resume", "after": 0})
            await _next(socket, "synced")
            await _one_by_one(api, socket, WARM_UP)
            for _ in range(RUNS):
                runs.append(await _one_by_one(api, socket, EVENTS))
                wakes.append(_seconds_of(house, WAKE, EVENTS))
                polls.append(_seconds_of(house, POLL, POLLS))
    accepted, sent = [run.accepted for run in runs], [run.sent for run in runs]
    return [
        _latency("202 to frame", 0.5, accepted, "django-q2 task starts", wakes, most=0.040),
        _latency("202 to frame", 0.99, accepted, "django-q2 task starts", wakes, most=0.120),
        _latency("request to frame", 0.5, sent, "0.2 s poll sees it", polls),
        _latency("request to frame", 0.99, sent, "0.2 s poll sees it", polls),
    ]


async def _one_by_one(api: Api, socket: aiohttp.ClientWebSocketResponse, events: int) -> Timings:
    """Each event is sent when the frame of the one before is there."""
    timings = Timings()
    for _ in range(events):
        event = task_assigned(assignee="bob")
        frame = asyncio.create_task(_next(socket, "notification"))
        sent = time.monotonic()
        await api.call("POST", "/events", event)
        accepted = time.monotonic()
        arrived, said = await asyncio.wait_for(frame, PATIENCE_SECONDS)
        if said["notification"]["task"]["id"] != event["data"]["task"]["id"]:
            raise BenchError(f"Another task's frame: {said}")
        timings.sent.append(arrived - sent)
        timings.accepted.append(arrived - accepted)
    return timings


async def _next(socket: aiohttp.ClientWebSocketResponse, kind: str) -> tuple[float, Any]:
    """When the next message of a kind arrived, and the message."""
    while True:
        text = await socket.receive_str(timeout=PATIENCE_SECONDS)
        arrived = time.monotonic()
        said = json.loads(text)
        if said["type"] == kind:
            return arrived, said


def _seconds_of(house: House, module: Sequence[str], times: int) -> list[float]:
    """What a peer's program measured. This process waits for it: nothing else is to run meanwhile."""
    said = house.start(f"peer's {module[0]}", sys.executable, "-m", *module, str(times)).finish()
    seconds: list[float] = json.loads(said.strip().splitlines()[-1])
    return seconds


def _latency(
    what: str,
    share: float,
    ours: Sequence[Sequence[float]],
    peer_is: str,
    peer: Sequence[Sequence[float]],
    most: float | None = None,
) -> Figure:
    """The median over the runs of each run's percentile, in milliseconds."""
    of_ours = median([percentile(run, share) for run in ours])
    of_peer = median([percentile(run, share) for run in peer])
    return Figure(
        f"One event, one inbox: {what}, p{share * 100:g}",
        of_ours * 1000,
        f"{peer_is}, p{share * 100:g}",
        of_peer * 1000,
        "ms",
        f"under {most * 1000:g} ms" if most else "",
        of_ours < most if most else None,
    )


# --- one event, a thousand inboxes ----------------------------------------------------------------
async def many_inboxes(house: House, api: Api) -> list[Figure]:
    refs = [f"person-{number}" for number in range(INBOXES)]
    tokens = await at_once([api.token_for(ref, ref.title()) for ref in refs])
    await api.call("PUT", "/teams/crowd", {"name": "Crowd", "members": refs})
    ours = await _ours(house, api, tokens)
    peer = _peers(house)
    return [
        Figure(
            f"One event, {INBOXES:,} inboxes: 202 to the last frame",
            median(ours) * 1000,
            "group_send to as many, nothing stored",
            median(peer) * 1000,
            "ms",
            "under 1000 ms",
            median(ours) < 1,
        )
    ]


async def _ours(house: House, api: Api, tokens: Sequence[str]) -> list[float]:
    greetings: list[list[Json]] = [
        [{"type": "auth", "token": token}, {"type": "resume", "after": 0}] for token in tokens
    ]
    seconds = []
    with listening(f"{house.url}/ws/inbox", greetings) as reports:
        for _ in range(RUNS + 1):
            await api.call("POST", "/events", task_assigned(teams=["crowd"]))
            accepted = time.monotonic()
            seconds.append(max(await asyncio.to_thread(expect, reports, PATIENCE_SECONDS)) - accepted)
    return seconds[1:]  # the first one warms up


def _peers(house: House) -> list[float]:
    port = free_port()
    application = "bench.peers.live_channels.app:application"
    seconds = []
    with house.running("peer's daphne", "daphne", "-b", HOST, "-p", str(port), application) as daphne:
        daphne.wait_until(lambda: takes_calls(port), "up")
        with listening(f"http://{HOST}:{port}/ws/inbox", [[{"user": user}] for user in range(INBOXES)]) as reports:
            for _ in range(RUNS + 1):
                sender = house.start("peer's sender", sys.executable, "-m", "bench.peers.live_channels", str(INBOXES))
                last = max(expect(reports, PATIENCE_SECONDS))
                seconds.append(last - float(sender.finish().strip().splitlines()[-1]))
    return seconds[1:]


@contextmanager
def listening(url: str, greetings: Sequence[Sequence[Json]]) -> Iterator[Connection]:
    """Open inboxes in another process; its reports. Raises BenchError, as `expect` does."""
    context = multiprocessing.get_context("spawn")
    reports, theirs = context.Pipe()
    process = context.Process(target=listen, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # so that its end is seen here
    try:
        reports.send((url, greetings))
        expect(reports, 2 * PATIENCE_SECONDS)
        yield reports
    finally:
        process.kill()
        process.join()
