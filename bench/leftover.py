"""How many bytes an event leaves in the database, and how many of them are indexes.

The tables have worked before: space that updates of earlier events have left is used again, as it is in a house that
runs for long.
"""

import aiohttp

from bench.api import Api
from bench.harness import Figure, House, bounded
from bench.inboxes import EVENTS, PEOPLE, flood

MOST_BYTES = 6_500.0
_SIZES = """
SELECT sum(pg_total_relation_size(oid))::bigint, sum(pg_indexes_size(oid))::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


async def measure(house: House) -> list[Figure]:
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        refs = list(await api.make_people("reader", PEOPLE))
        await flood(house, api, refs, "first", EVENTS)
        before, indexes_before = _sizes(house)
        await flood(house, api, refs, "measured", EVENTS)
        after, indexes_after = _sizes(house)
    total, indexes = after - before, indexes_after - indexes_before
    what = "An event for one person leaves in the database"
    return [
        bounded(what, total / EVENTS, "bytes", MOST_BYTES),
        Figure(f"{what}: indexes", 100 * indexes / total, "", None, "%"),
    ]


def _sizes(house: House) -> tuple[int, int]:
    """Bytes of all tables, and of their indexes alone, with what was deleted taken out."""
    house.rows("VACUUM")
    total, indexes = house.rows(_SIZES)[0]
    return total, indexes
