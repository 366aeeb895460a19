"""How long it takes to erase a person who has very many items, and to prune half of a million, and whether anybody
would have to wait for it.
"""

import sys

from bench.growth import MANY, ROWS_SECONDS, make_items
from bench.harness import Figure, House, Json, bounded

STEP_MILLISECONDS = 1_000.0
"""What one step may take: for so long it may hold its rows."""
MEGABYTES = 300.0
"""What a process may have at most."""
SECONDS = 10_000_000
"""Between the oldest item and the newest: 116 days."""


def measure(many: int = MANY) -> list[Figure]:
    with House() as house:
        make_items(house, many, max(1, SECONDS // many))
        house.stop_working()
        erased = house.inside("retention_rows", "erase", within=ROWS_SECONDS)
        pruned = house.inside("retention_rows", "prune", within=ROWS_SECONDS)
    return [
        *_figures(f"Erasing a person with {erased['items']:,} of {many:,} items", erased),
        *_figures(f"Pruning {pruned['items']:,} of {many:,} items", pruned),
    ]


def _figures(what: str, cost: Json) -> list[Figure]:
    for name, seconds in sorted(cost["steps"].items(), key=lambda step: -step[1])[:8]:
        print(f"{what}: {name} {seconds:.1f} s", file=sys.stderr)
    return [
        Figure(what, cost["seconds"], "", None, "s"),
        bounded(f"{what}: the longest step ({cost['longest_step']})", cost["step"], "ms", STEP_MILLISECONDS),
        Figure(f"{what}: the longest statement", cost["statement"], "", None, "ms"),
        bounded(f"{what}: memory", cost["megabytes"], "MB", MEGABYTES),
    ]
