"""How many bytes an event leaves in the database, and how many of them are indexes.

The tables have worked before: space that updates of earlier events have left is used again, as it is in a house that
runs for long.
"""

from dataclasses import dataclass

import aiohttp
import psycopg

from bench.harness import Api, Figure, House, at_once
from bench.inboxes import EVENTS, PEOPLE, flood

REACH = 6_500.0
_SIZES = """
SELECT relname, pg_total_relation_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Sizes:
    """Bytes of all tables: everything, and their indexes."""

    total: int
    indexes: int


async def measure(house: House) -> list[Figure]:
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        refs = [f"reader-{number}" for number in range(PEOPLE)]
        await at_once([api.token_for(ref, ref.title()) for ref in refs])
        await flood(house, api, refs, "first", EVENTS)
        before = sizes(house.database_url)
        await flood(house, api, refs, "measured", EVENTS)
        after = sizes(house.database_url)
    total, indexes = after.total - before.total, after.indexes - before.indexes
    left, share = total / EVENTS, 100 * indexes / total
    what = "An event for one person leaves in the database"
    return [
        Figure(what, left, "", None, "bytes", f"at most {REACH:,.0f}", left <= REACH),
        Figure(f"{what}: indexes", share, "", None, "%"),
    ]


def sizes(database_url: str) -> Sizes:
    """With what was deleted taken out, as it is after a while."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM")
        rows = connection.execute(_SIZES).fetchall()
    return Sizes(sum(total for _name, total, _indexes in rows), sum(indexes for _name, _total, indexes in rows))
