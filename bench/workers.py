"""What a second process of a cluster adds, and a second `manage.py worker`: the same burst with one and with two."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from statistics import median

import aiohttp

from bench.api import Api
from bench.harness import MANAGE, START_SECONDS, Figure, House
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
        refs = list(await api.make_people("clerk", PEOPLE))
        for _ in range(ROUNDS):
            for name, (workers, processes) in SETUPS.items():
                with working(house, workers, processes):
                    await flood(house, api, refs, f"warm-up-{next(_numbers)}", BATCH * 2)
                    rates[name].append(await flood(house, api, refs, f"burst-{next(_numbers)}", EVENTS))
    one, by_processes, by_workers = map(median, rates.values())
    return [
        _figure("Two processes of a cluster", by_processes, one, "1.7 times, where the second core is free", None),
        _figure("Two `manage.py worker`", by_workers, one, "not slower", by_workers >= NOT_SLOWER * one),
    ]


def _figure(what: str, ours: float, one: float, target: str, is_met: bool | None) -> Figure:
    return Figure(f"{what}: {EVENTS:,} events, until in inboxes", ours, "one", one, "events/s", target, is_met)


@contextmanager
def working(house: House, workers: int, processes: int) -> Iterator[None]:
    """So many `manage.py worker`, which have all shown life."""
    began = time.time()
    command = (sys.executable, MANAGE, "worker", "--grace", "3")
    programs = [
        house.start(f"worker {number + 1}", *command, CLUSTER_WORKERS=str(processes)) for number in range(workers)
    ]
    try:
        programs[0].wait_until(lambda: alive(house, began) >= workers, "at work", 2 * START_SECONDS)
        yield
    finally:
        for program in programs:
            program.ask_to_stop()
        for program in programs:
            program.stop()


def alive(house: House, since: float) -> int:
    return int(house.one("SELECT count(*) FROM wfpush_heartbeat WHERE beat_at > to_timestamp(%s)", since))
