"""How long it takes to erase a person who has very many items, and to prune half of a million, and whether anybody
would have to wait for it.
"""

import asyncio
import json
import sys
from contextlib import nullcontext
from itertools import count

import aiohttp

from bench import bloat
from bench.growth import MANY, ROWS_SECONDS
from bench.harness import Api, Figure, House, Json, Program, median
from bench.inboxes import flood
from bench.workers import working

STEP_MILLISECONDS = 1_000.0
"""What one step may take: for so long it may hold its rows."""
MEGABYTES = 300.0
"""What a process may have at most."""
SECONDS = 10_000_000
"""Between the oldest item and the newest: 116 days."""


FLOOD = 500
"""Events that come at once while rows are pruned."""

_numbers = count(1)


def measure(many: int = MANY) -> list[Figure]:
    with House() as house:
        print(f"{many:,} items: making", file=sys.stderr, flush=True)
        asyncio.run(_first(house))
        house.stop_working()
        rows = ("-m", "bench.growth_rows", "make", str(many), str(max(1, SECONDS // many)))
        house.start("rows", sys.executable, *rows).finish(ROWS_SECONDS)
        figures = []
        for what in ("erase", "prune"):
            print(f"{many:,} items: {what}", file=sys.stderr, flush=True)
            with working(house, 1, 1) if what == "prune" else nullcontext():
                program = house.start(what, sys.executable, "-m", "bench.retention_rows", what)
                rates = asyncio.run(_events_meanwhile(house, program)) if what == "prune" else []
                said = program.finish(ROWS_SECONDS)
                alone = asyncio.run(_events_meanwhile(house, program)) if what == "prune" else []
            figures += _figures(what, many, json.loads(said.strip().splitlines()[-1]))
            if rates:
                figures.append(Figure("Events while it prunes", median(rates), "afterwards", median(alone), "events/s"))
        return [*figures, bloat.measure(house.database_url, f"pruning half of {many:,} items")]


async def _events_meanwhile(house: House, program: Program) -> list[float]:
    """Events a second, of floods one after the other until the program ends; at least one."""
    async with aiohttp.ClientSession() as session:
        api, rates = Api(session, house.url, house.api_key), list[float]()
        while not rates or program.process.poll() is None:
            rates.append(await flood(house, api, ["pattern"], f"meanwhile-{next(_numbers)}", FLOOD))
        return rates


async def _first(house: House) -> None:
    """An event whose rows are the pattern for all others."""
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        await api.token_for("pattern", "Pattern")
        await flood(house, api, ["pattern"], "pattern", 1)


def _figures(what: str, many: int, told: Json) -> list[Figure]:
    named = {
        "erase": f"Erasing a person with {told['items']:,} of {many:,} items",
        "prune": f"Pruning {told['items']:,} of {many:,} items",
    }[what]
    longest = f"{named}: the longest step ({told['longest_step']})"
    most = f"at most {STEP_MILLISECONDS:,.0f} ms"
    for name, seconds in sorted(told["steps"].items(), key=lambda each: -each[1])[:8]:
        print(f"{named}: {name} {seconds:.1f} s", file=sys.stderr)
    return [
        Figure(named, told["seconds"], "", None, "s"),
        Figure(longest, told["step"], "", None, "ms", most, told["step"] <= STEP_MILLISECONDS),
        Figure(f"{named}: the longest statement", told["statement"], "", None, "ms"),
        Figure(
            f"{named}: memory",
            told["megabytes"],
            "",
            None,
            "MB",
            f"at most {MEGABYTES:,.0f} MB",
            told["megabytes"] <= MEGABYTES,
        ),
    ]
