"""A burst that a small installation meets, whose statistics say that nothing waits: events a second at its beginning,
at its end, and beside a small burst."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import aiohttp

from bench.api import Api
from bench.harness import BenchError, Figure, House, compared, until
from bench.inboxes import BATCH, PEOPLE, events_for, flood, post
from bench.workers import working

FEW, MANY = 2_000, 20_000
SAME, SHARE = 0.8, 0.9
"""What the rate of the last tenth may be of the first's, and that of the burst of the small one's."""

LEAST = 50.0
"""Events a second at which the measurement is given up."""

Rates = tuple[float, float, float]
"""Events a second: of all, of the first tenth and of the last."""


def measure(count: int = MANY) -> list[Figure]:
    (few, _, _), (many, first, last) = asyncio.run(_rates(FEW)), asyncio.run(_rates(count))
    name = f"{count:,} events at once onto an empty, analyzed database"
    return [
        compared(name, many, f"{FEW:,} events", few, "events/s", least=SHARE),
        compared(f"{name}: the last tenth", last, "the first tenth", first, "events/s", least=SAME),
    ]


async def _rates(count: int) -> Rates:
    """All events wait before the worker begins."""
    with House(works=False) as house:
        async with aiohttp.ClientSession() as session:
            api = Api(session, house.url, house.api_key)
            refs = list(await api.make_people("clerk", PEOPLE))
            with working(house, 1, 1):
                await flood(house, api, refs, "warm-up", BATCH * 2)
            house.rows("VACUUM ANALYZE")
            await post(api, events_for(refs, "burst", count))
        waiting = "SELECT EXISTS (SELECT FROM notifications_event WHERE due_at IS NOT NULL)"
        with working(house, 1, 1):
            until(lambda: not house.one(waiting), "all events are processed", count / LEAST)
        return rates_of(
            [
                at
                for (at,) in house.rows(
                    "SELECT processed_at FROM notifications_event WHERE source = 'burst' ORDER BY 1"
                )
            ]
        )


def rates_of(times: Sequence[datetime]) -> Rates:
    """Of the sorted times at which the batches of the events began. Raises BenchError where there are too few."""
    tenth = len(times) // 10
    return _rate(times), _rate(times[: tenth + 1]), _rate(times[-tenth - 1 :])


def _rate(times: Sequence[datetime]) -> float:
    seconds = (times[-1] - times[0]).total_seconds()
    if not seconds:
        raise BenchError("All events were processed in one batch.")
    return sum(at > times[0] for at in times) / seconds
