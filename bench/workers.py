"""What a second process of a cluster adds, and a second `manage.py worker`: the same burst with one and with two."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import aiohttp
import psycopg

from bench.harness import MANAGE, START_SECONDS, Api, Figure, House, at_once, median
from bench.inboxes import BATCH, EVENTS, PEOPLE, flood

ROUNDS = 3
NOT_SLOWER = 0.95
SETUPS = {"one": (1, 1), "two processes": (1, 2), "two workers": (2, 1)}
"""How many workers, and how many processes the cluster of each has."""

_numbers = count(1)


async def measure(house: House) -> list[Figure]:
    """In turn, so that other load on the machine slows all down. The house's own worker must not run."""
    rates: dict[str, list[float]] = {name: [] for name in SETUPS}
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        refs = [f"clerk-{number}" for number in range(PEOPLE)]
        await at_once([api.token_for(ref, ref.title()) for ref in refs])
        for _ in range(ROUNDS):
            for name, (workers, processes) in SETUPS.items():
                with working(house, workers, processes):
                    await flood(house, api, refs, f"warm-up-{next(_numbers)}", BATCH * 2)
                    rates[name].append(await flood(house, api, refs, f"burst-{next(_numbers)}", EVENTS))
    one, processes_, workers_ = (median(found) for found in rates.values())
    return [
        _figure("Two processes of a cluster", processes_, "one", one, "1.7 times, where the second core is free", None),
        _figure("Two `manage.py worker`", workers_, "one", one, "not slower", workers_ >= NOT_SLOWER * one),
    ]


def _figure(what: str, ours: float, peer_is: str, peer: float, target: str, met: bool | None) -> Figure:
    return Figure(f"{what}: {EVENTS:,} events, until in inboxes", ours, peer_is, peer, "events/s", target, met)


@contextmanager
def working(house: House, workers: int, processes: int) -> Iterator[None]:
    """So many `manage.py worker`, which have all shown life."""
    began = time.time()
    command = (sys.executable, MANAGE, "worker", "--grace", "3")
    programs = [
        house.start(f"worker {number + 1}", *command, CLUSTER_WORKERS=str(processes)) for number in range(workers)
    ]
    try:
        with psycopg.connect(house.database_url, autocommit=True) as connection:
            programs[0].wait_until(lambda: alive(connection, began) >= workers, "at work", 2 * START_SECONDS)
        yield
    finally:
        for program in programs:
            program.ask_to_stop()
        for program in programs:
            program.stop()


def alive(connection: "psycopg.Connection[tuple[int]]", since: float) -> int:
    found = connection.execute("SELECT count(*) FROM wfpush_heartbeat WHERE beat_at > to_timestamp(%s)", [since])
    row = found.fetchone()
    return row[0] if row else 0
