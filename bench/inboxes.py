"""How many events a second reach inboxes, beside the usual way and beside what the tables can take."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import aiohttp

from bench.api import Api, at_once
from bench.harness import HOST, Figure, House, Json, bounded, compared, percentile, until
from bench.inbox_limit import written_again
from bench.listeners import greeting_of, open_inbox
from bench.live import task_assigned

PEOPLE = 50
EVENTS = 2_000
ROUNDS = 3
BATCH = 100
PACE = 100
PACED_SECONDS = 60
BURST = 5_000
URGENT = 20
URGENT_PACE = 5
USUAL_REACH, LIMIT_REACH = 6.0, 0.25
PEER = "bench.peers.inboxes.settings"

Arrivals = dict[str, float]
"""Task id to when its frame arrived."""

_following: set[asyncio.Task[None]] = set()


async def measure(house: House) -> list[Figure]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Api(session, house.url, house.api_key)
        people = await api.make_people("clerk", PEOPLE)
        refs = list(people)
        await flood(house, api, refs, "warm-up", BATCH)
        ours = median([await flood(house, api, refs, f"flood-{number}", EVENTS) for number in range(ROUNDS)])
        arrivals = await _listen(session, house, people.values())
        paced = await _paced(api, events_for(refs, "paced", PACE * PACED_SECONDS), PACE, arrivals)
        await post(api, events_for(refs, "burst", BURST))
        urgent = await _paced(api, events_for(refs, "urgent", URGENT, priority="urgent"), URGENT_PACE, arrivals)
        await until_processed(house, "burst", BURST)
    house.stop_working()
    peer = median([await _peer(house, refs, number) for number in range(ROUNDS)])
    limit = median([written_again(house.database_url, f"flood-{number}") for number in range(ROUNDS)])
    what = f"{EVENTS:,} events for {PEOPLE} people, until all are in inboxes"
    usual = "the usual way: DRF, a django-q2 task an event, ORM"
    return [
        compared(what, ours, usual, peer, "events/s", least=USUAL_REACH),
        compared(what, ours, "psycopg alone, the same rows", limit, "events/s", least=LIMIT_REACH),
        _wait(f"{PACE} events a second for {PACED_SECONDS} s: 202 to frame", 0.5, paced, 150),
        _wait(f"{PACE} events a second for {PACED_SECONDS} s: 202 to frame", 0.99, paced, 1_000),
        _wait(f"Urgent during a burst of {BURST:,}: 202 to frame", 0.99, urgent, 1_000),
    ]


def _wait(what: str, share: float, seconds: Sequence[float], most: float) -> Figure:
    return bounded(f"{what}, p{share * 100:g}", percentile(seconds, share) * 1_000, "ms", most)


# --- a flood --------------------------------------------------------------------------------------------------
def events_for(refs: Sequence[str], source: str, count: int, **task: object) -> list[Json]:
    return [{**task_assigned(assignee=refs[number % len(refs)], **task), "source": source} for number in range(count)]


async def flood(
    house: House, api: Api, refs: Sequence[str], source: str, count: int, *, to_peer: bool = False
) -> float:
    """Events a second, from the first request until all are processed."""
    events = events_for(refs, source, count)
    began = time.perf_counter()
    await (_post_to_peer if to_peer else post)(api, events)
    await until_processed(house, source, count)
    return count / (time.perf_counter() - began)


async def post(api: Api, events: Sequence[Json]) -> None:
    await at_once([api.batch(events[start : start + BATCH]) for start in range(0, len(events), BATCH)], 4)


async def until_processed(house: House, source: str, count: int) -> None:
    """Return when so many events of the source are processed. Raises BenchError after PATIENCE_SECONDS."""
    query = "SELECT count(*) FROM notifications_event WHERE source = %s AND processed_at IS NOT NULL"
    what = f"{count} events of {source} are processed"
    await asyncio.to_thread(until, lambda: house.one(query, source) >= count, what)


async def _peer(house: House, refs: Sequence[str], number: int) -> float:
    with (
        house.daphne("bench.peers.ingest.asgi:application", PEER) as port,
        house.running("peer's cluster", "django", "qcluster", settings=PEER),
    ):
        async with aiohttp.ClientSession() as session:
            api = Api(session, f"http://{HOST}:{port}", "")
            await flood(house, api, refs, f"peer-warm-up-{number}", BATCH, to_peer=True)
            return await flood(house, api, refs, f"peer-{number}", EVENTS, to_peer=True)


async def _post_to_peer(api: Api, events: Sequence[Json]) -> None:
    for start in range(0, len(events), BATCH):
        await api.call("POST", "/events", list(events[start : start + BATCH]))


# --- frames --------------------------------------------------------------------------------------------------
async def _listen(session: aiohttp.ClientSession, house: House, tokens: Iterable[str]) -> Arrivals:
    """Open an inbox for each person; arrivals are filled from then on."""
    arrivals: Arrivals = {}

    async def follow(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            frame: Any = message.json()
            if frame["type"] == "notification":
                arrivals.setdefault(frame["notification"]["task"]["id"], time.monotonic())

    for token in tokens:
        socket, _seq = await open_inbox(session, f"{house.url}/ws/inbox", greeting_of(token))
        _following.add(asyncio.create_task(follow(socket)))
    return arrivals


async def _paced(api: Api, events: Sequence[Json], pace: int, arrivals: Arrivals) -> list[float]:
    """Send so many events a second, whatever comes back. Returns the seconds from each 202 to the frame."""
    accepted: dict[str, float] = {}

    async def send(event: Json) -> None:
        await api.call("POST", "/events", event)
        accepted[event["data"]["task"]["id"]] = time.monotonic()

    begin, sending = time.monotonic(), []
    for number, event in enumerate(events):
        await asyncio.sleep(max(0.0, begin + number / pace - time.monotonic()))
        sending.append(asyncio.create_task(send(event)))
    await asyncio.gather(*sending)
    await asyncio.to_thread(until, lambda: accepted.keys() <= arrivals.keys(), "all frames arrive")
    return [max(0.0, arrivals[task] - when) for task, when in accepted.items()]
