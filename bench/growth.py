"""What an event, an inbox and pages of the desk cost with few and with very many items in the tables."""

import asyncio
import json
import sys

import aiohttp

from bench.harness import Api, Figure, House, Json, at_once, median
from bench.inboxes import BATCH, EVENTS, PEOPLE, flood

FEW, MANY = 10_000, 1_000_000
GROWTH, PAGES_GROWTH = 1.3, 2.0
INBOX, INBOX_MILLISECONDS = "The inbox of the busiest person: ", 100.0
"""How its figures begin, and what each may take."""
DESK = "The desk: "
OVERVIEW, TRACE = f"{DESK}the overview", f"{DESK}the trace of an event"
DESK_MILLISECONDS = {OVERVIEW: 300.0, TRACE: 300.0}
LIST_MILLISECONDS = 500.0
"""What each other page of the desk may take."""
ROUNDS = 3
ROWS_SECONDS = 7_200.0


def measure_large(many: int = MANY) -> list[Figure]:
    """Both in one run; each count has a house of its own."""
    few, large = found(FEW), found(many)
    for name, plan in large["plans"].items():
        print(f"{name}, {many:,} items: {plan}\n")
    of_few = f"with {FEW:,}"
    event = Figure(
        f"An event with {many:,} items in the tables",
        large["event"],
        of_few,
        few["event"],
        "ms",
        f"at most {GROWTH:g} times the peer",
        large["event"] <= GROWTH * few["event"],
    )
    pages = [
        Figure(
            f"{name}, {many:,} items",
            milliseconds,
            of_few,
            few["pages"][name],
            "ms",
            *_reach(name, milliseconds, few["pages"][name]),
        )
        for name, milliseconds in large["pages"].items()
    ]
    return [event, *pages]


def _reach(name: str, milliseconds: float, few: float) -> tuple[str, bool]:
    if name.startswith(INBOX):
        return f"at most {INBOX_MILLISECONDS:g} ms", milliseconds <= INBOX_MILLISECONDS
    if name.startswith(DESK):
        most = DESK_MILLISECONDS.get(name, LIST_MILLISECONDS)
        return f"at most {most:g} ms", milliseconds <= most
    return f"at most {PAGES_GROWTH:g} times the peer", milliseconds <= PAGES_GROWTH * few


def found(items: int) -> Json:
    """Milliseconds of an event and of each page; and plans of pages."""
    with House() as house:
        print(f"{items:,} items: making", file=sys.stderr, flush=True)
        asyncio.run(_first(house))
        rows = ("-m", "bench.growth_rows")
        house.start("rows", sys.executable, *rows, "make", str(items)).finish(ROWS_SECONDS)
        print(f"{items:,} items: measuring", file=sys.stderr, flush=True)
        rates = asyncio.run(_rates(house))
        pages = house.start("pages", sys.executable, *rows, "pages").finish(ROWS_SECONDS)
    told = json.loads(pages.strip().splitlines()[-1])
    return {"event": 1_000 / median(rates), "pages": told["milliseconds"], "plans": told["plans"]}


async def _first(house: House) -> None:
    """An event whose rows are the pattern for all others."""
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        await api.token_for("pattern", "Pattern")
        await flood(house, api, ["pattern"], "pattern", 1)


async def _rates(house: House) -> list[float]:
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        refs = [f"grown-{number}" for number in range(PEOPLE)]
        await at_once([api.token_for(ref, ref.title()) for ref in refs])
        await flood(house, api, refs, "warm-up", BATCH)
        return [await flood(house, api, refs, f"grown-{number}", EVENTS) for number in range(ROUNDS)]
