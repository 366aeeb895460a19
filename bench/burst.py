"""A burst that a small installation meets, whose statistics say that nothing waits: events a second at its beginning,
at its end, and beside a small burst."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

import aiohttp
import psycopg

from bench.harness import Api, BenchError, Figure, House, at_once
from bench.inboxes import BATCH, PEOPLE, events_for, flood, post
from bench.workers import working

FEW, MANY = 2_000, 20_000
SAME, SHARE = 0.8, 0.9
"""What the rate of the last tenth may be of the first's, and that of the burst of the small one's."""

LEAST = 50.0
"""Events a second at which the measurement is given up."""
LOOK_SECONDS = 0.2

Rates = tuple[float, float, float]
"""Events a second: of all, of the first tenth and of the last."""


def measure(count: int = MANY) -> list[Figure]:
    few, many = asyncio.run(_rates(FEW)), asyncio.run(_rates(count))
    name = f"{count:,} events at once onto an empty, analyzed database"
    last_tenth = f"{name}: the last tenth"
    return [
        Figure(
            name, many[0], f"{FEW:,} events", few[0], "events/s", f"at least {SHARE:g} of the peer",
            many[0] >= SHARE * few[0],
        ),
        Figure(
            last_tenth, many[2], "the first tenth", many[1], "events/s", f"at least {SAME:g} of the peer",
            many[2] >= SAME * many[1],
        ),
    ]  # fmt: skip


async def _rates(count: int) -> Rates:
    """All events wait before the worker begins."""
    with House(works=False) as house:
        async with aiohttp.ClientSession() as session:
            api = Api(session, house.url, house.api_key)
            refs = [f"clerk-{number}" for number in range(PEOPLE)]
            await at_once([api.token_for(ref, ref.title()) for ref in refs])
            with working(house, 1, 1):
                await flood(house, api, refs, "warm-up", BATCH * 2)
            with psycopg.connect(house.database_url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
                await post(api, events_for(refs, "burst", count))
                with working(house, 1, 1):
                    _wait_until_none_waits(connection, within=count / LEAST)
                rows = connection.execute(
                    "SELECT processed_at FROM notifications_event WHERE source = 'burst' ORDER BY 1"
                )
                return rates_of([at for (at,) in rows])


def _wait_until_none_waits(connection: "psycopg.Connection[tuple[bool]]", within: float) -> None:
    end = time.monotonic() + within
    while connection.execute("SELECT EXISTS (SELECT FROM notifications_event WHERE due_at IS NOT NULL)").fetchone() == (
        True,
    ):
        if time.monotonic() > end:
            raise BenchError(f"Some of the events were not processed within {within:g} s.")
        time.sleep(LOOK_SECONDS)


def rates_of(times: Sequence[datetime]) -> Rates:
    """Of the sorted times at which the batches of the events began. Raises BenchError where there are too few."""
    tenth = len(times) // 10
    return _rate(times), _rate(times[: tenth + 1]), _rate(times[-tenth - 1 :])


def _rate(times: Sequence[datetime]) -> float:
    seconds = (times[-1] - times[0]).total_seconds()
    if not seconds:
        raise BenchError("All events were processed in one batch.")
    return sum(at > times[0] for at in times) / seconds
