"""How many events a second reach inboxes, beside the usual way and beside what the tables can take."""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import psycopg

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
from bench.inbox_limit import written_again
from bench.live import task_assigned

PEOPLE = 50
EVENTS = 2_000
ROUNDS = 3
BATCH = 100
PACE = 100
PACED_SECONDS = 60
BURST = 5_000
URGENT = 20
PATIENCE_SECONDS = 300.0
PEER = "bench.peers.inboxes"

Arrivals = dict[str, float]
"""Task id to when its frame arrived."""


async def measure(house: House) -> list[Figure]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Api(session, house.url, house.api_key)
        refs = [f"clerk-{number}" for number in range(PEOPLE)]
        tokens = await at_once([api.token_for(ref, ref.title()) for ref in refs])
        await flood(house, api, refs, "warm-up", BATCH)
        ours = [await flood(house, api, refs, f"flood-{number}", EVENTS) for number in range(ROUNDS)]
        arrivals = await _listen(session, house, tokens)
        paced = await _paced(api, refs, arrivals)
        urgent = await _urgent(house, api, refs, arrivals)
    house.stop_working()
    peer = [await _peer(house, refs, number) for number in range(ROUNDS)]
    limit = [written_again(house.database_url, f"flood-{number}") for number in range(ROUNDS)]
    return [
        _rate("the usual way: DRF, a django-q2 task an event, ORM", ours, peer, "at least 6 times the peer", 6.0),
        _rate("psycopg alone, the same rows", ours, limit, "at least 0.25 of the limit", 0.25),
        _wait(f"{PACE} events a second for {PACED_SECONDS} s: 202 to frame", 0.5, paced, 150),
        _wait(f"{PACE} events a second for {PACED_SECONDS} s: 202 to frame", 0.99, paced, 1_000),
        _wait(f"Urgent during a burst of {BURST:,}: 202 to frame", 0.99, urgent, 1_000),
    ]


def _rate(peer_is: str, ours: Sequence[float], peer: Sequence[float], target: str, least: float) -> Figure:
    mine, theirs = median(ours), median(peer)
    what = f"{EVENTS:,} events for {PEOPLE} people, until all are in inboxes"
    return Figure(what, mine, peer_is, theirs, "events/s", target, mine >= least * theirs)


def _wait(what: str, share: float, seconds: Sequence[float], most: float) -> Figure:
    value = percentile(seconds, share) * 1000
    return Figure(f"{what}, p{share * 100:g}", value, "", None, "ms", f"under {most:g} ms", value < most)


# --- a flood --------------------------------------------------------------------------------------------------
def events_for(refs: Sequence[str], source: str, count: int) -> list[Json]:
    return [{**task_assigned(assignee=refs[number % len(refs)]), "source": source} for number in range(count)]


async def flood(house: House, api: Api, refs: Sequence[str], source: str, count: int) -> float:
    events = events_for(refs, source, count)
    began = time.perf_counter()
    await post(api, events)
    await until_processed(house, source, count)
    return count / (time.perf_counter() - began)


async def post(api: Api, events: Sequence[Json]) -> None:
    await at_once([api.batch(events[start : start + BATCH]) for start in range(0, len(events), BATCH)], 4)


async def until_processed(house: House, source: str, count: int) -> None:
    """Return when so many events of the source are processed. Raises BenchError after PATIENCE_SECONDS."""
    query = "SELECT count(*) FROM notifications_event WHERE source = %s AND processed_at IS NOT NULL"
    end = time.monotonic() + PATIENCE_SECONDS
    async with await psycopg.AsyncConnection.connect(house.database_url, autocommit=True) as connection:
        while True:
            row = await (await connection.execute(query, [source])).fetchone()
            if row is not None and row[0] >= count:
                return
            if time.monotonic() > end:
                raise BenchError(f"{row and row[0]} of {count} events of {source} were processed in time.")
            await asyncio.sleep(0.05)


async def _peer(house: House, refs: Sequence[str], number: int) -> float:
    settings, port = {"DJANGO_SETTINGS_MODULE": f"{PEER}.settings"}, free_port()
    daphne = ("daphne", "-v", "0", "-b", HOST, "-p", str(port), "bench.peers.ingest.asgi:application")
    lifeline = (sys.executable, "-m", "wfpush.processes.lifeline")
    web = house.start("peer", *lifeline, *daphne, **settings)
    cluster = house.start("peer's cluster", *lifeline, "django", "qcluster", **settings)
    try:
        web.wait_until(lambda: takes_calls(port), "up")
        async with aiohttp.ClientSession() as session:
            api = Api(session, f"http://{HOST}:{port}", "")
            await _peers_flood(house, api, refs, f"peer-warm-up-{number}", BATCH)
            return await _peers_flood(house, api, refs, f"peer-{number}", EVENTS)
    finally:
        web.stop()
        cluster.stop()


async def _peers_flood(house: House, api: Api, refs: Sequence[str], source: str, count: int) -> float:
    events = events_for(refs, source, count)
    began = time.perf_counter()
    for start in range(0, count, BATCH):
        await api.call("POST", "/events", events[start : start + BATCH])
    await until_processed(house, source, count)
    return count / (time.perf_counter() - began)


# --- frames --------------------------------------------------------------------------------------------------
async def _listen(session: aiohttp.ClientSession, house: House, tokens: Sequence[str]) -> Arrivals:
    """Open an inbox for each person; arrivals are filled from then on."""
    arrivals: Arrivals = {}

    async def follow(token: str, ready: asyncio.Event) -> None:
        async with session.ws_connect(f"{house.url}/ws/inbox", max_msg_size=0) as socket:
            await socket.send_json({"type": "auth", "token": token})
            await socket.send_json({"type": "resume", "after": 0})
            async for message in socket:
                said: Any = message.json()
                if said["type"] == "notification":
                    arrivals.setdefault(said["notification"]["task"]["id"], time.monotonic())
                elif said["type"] == "synced":
                    ready.set()

    for token in tokens:
        ready = asyncio.Event()
        _tasks.add(asyncio.create_task(follow(token, ready)))
        await asyncio.wait_for(ready.wait(), PATIENCE_SECONDS)
    return arrivals


_tasks: set[asyncio.Task[None]] = set()


async def _paced(api: Api, refs: Sequence[str], arrivals: Arrivals) -> list[float]:
    """Seconds from each 202 to the frame."""
    accepted: dict[str, float] = {}

    async def send(event: Json) -> None:
        await api.call("POST", "/events", event)
        accepted[event["data"]["task"]["id"]] = time.monotonic()

    begin, sending = time.monotonic(), []
    for number, event in enumerate(events_for(refs, "paced", PACE * PACED_SECONDS)):
        await asyncio.sleep(max(0.0, begin + number / PACE - time.monotonic()))
        sending.append(asyncio.create_task(send(event)))
    await asyncio.gather(*sending)
    return await _waits(accepted, arrivals)


async def _waits(accepted: dict[str, float], arrivals: Arrivals) -> list[float]:
    end = time.monotonic() + PATIENCE_SECONDS
    while accepted.keys() - arrivals.keys():
        if time.monotonic() > end:
            raise BenchError(f"{len(accepted.keys() - arrivals.keys())} frames did not arrive.")
        await asyncio.sleep(0.05)
    return [max(0.0, arrivals[task] - when) for task, when in accepted.items()]


async def _urgent(house: House, api: Api, refs: Sequence[str], arrivals: Arrivals) -> list[float]:
    """Urgent events while a burst is worked off."""
    await post(api, events_for(refs, "burst", BURST))
    accepted: dict[str, float] = {}
    for number in range(URGENT):
        event = task_assigned(assignee=refs[number % len(refs)], priority="urgent")
        await api.call("POST", "/events", event)
        accepted[event["data"]["task"]["id"]] = time.monotonic()
        await asyncio.sleep(0.2)
    waits = await _waits(accepted, arrivals)
    await until_processed(house, "burst", BURST)
    return waits
