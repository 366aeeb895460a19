"""What an event, an inbox and pages of the desk cost with few and with very many items in the tables."""

import asyncio
import sys
from statistics import median

import aiohttp

from bench.api import Api
from bench.harness import Figure, House, Json, compared
from bench.inboxes import BATCH, EVENTS, PEOPLE, flood

FEW, MANY = 10_000, 1_000_000
GROWTH = 1.3
INBOX, DESK = "The inbox of the busiest person: ", "The desk: "
"""How the names of their pages begin."""
OVERVIEW, TRACE = f"{DESK}the overview", f"{DESK}the trace of an event"
INBOX_MILLISECONDS, LIST_MILLISECONDS = 100.0, 500.0
DESK_MILLISECONDS = {OVERVIEW: 300.0, TRACE: 300.0}
"""What these pages may take; lists and all others of the desk LIST_MILLISECONDS."""
ROUNDS = 3
ROWS_SECONDS = 7_200.0


def measure(many: int = MANY) -> list[Figure]:
    """Both in one run; each count has a house of its own."""
    few, large = _costs(FEW), _costs(many)
    what = f"An event with {many:,} items in the tables"
    event = compared(what, large["event"], f"with {FEW:,}", few["event"], "ms", most=GROWTH)
    return [event, *(_page(name, many, cost, few["pages"][name]) for name, cost in large["pages"].items())]


def _page(name: str, many: int, milliseconds: float, few: float) -> Figure:
    most = INBOX_MILLISECONDS if name.startswith(INBOX) else DESK_MILLISECONDS.get(name, LIST_MILLISECONDS)
    target, is_met = f"at most {most:g} ms", milliseconds <= most
    return Figure(f"{name}, {many:,} items", milliseconds, f"with {FEW:,}", few, "ms", target, is_met)


def _costs(items: int) -> Json:
    """Milliseconds of an event and of each page."""
    with House() as house:
        make_items(house, items)
        print(f"{items:,} items: measuring", file=sys.stderr, flush=True)
        rates = asyncio.run(_rates(house))
        return {"event": 1_000 / median(rates), "pages": house.inside("growth_pages", within=ROWS_SECONDS)}


def make_items(house: House, items: int, seconds_apart: int = 1) -> None:
    """Fill the tables of a house that works."""
    print(f"{items:,} items: making", file=sys.stderr, flush=True)
    asyncio.run(_make_pattern(house))
    house.inside("growth_rows", str(items), str(seconds_apart), within=ROWS_SECONDS)


async def _make_pattern(house: House) -> None:
    """An event whose rows are the pattern for all others."""
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        await api.token_for("pattern", "Pattern")
        await flood(house, api, ["pattern"], "pattern", 1)


async def _rates(house: House) -> list[float]:
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        refs = list(await api.make_people("grown", PEOPLE))
        await flood(house, api, refs, "warm-up", BATCH)
        return [await flood(house, api, refs, f"grown-{number}", EVENTS) for number in range(ROUNDS)]
