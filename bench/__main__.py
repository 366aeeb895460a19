"""`python -m bench [PART…]`: figures beside their peers', of one run.

`python -m bench day 20000` is a shorter day; `python -m bench growth 100000` and `… retention 100000` measure with
fewer items.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bench import (
    answers,
    burst,
    escalations,
    first_paint,
    followers,
    growth,
    inboxes,
    ingest,
    leftover,
    live,
    provisioning,
    push,
    retention,
    workers,
)
from bench.day import run as day
from bench.harness import BenchError, Figure, House

HEAD = ("", "wfpush", "peer", "ratio", "target", "")
Measure = Callable[[House], Coroutine[Any, Any, list[Figure]]]


def _in_house(measure: Measure, *, works: bool = True) -> Callable[[], list[Figure]]:
    """In a house of its own, with or without worker."""

    def run() -> list[Figure]:
        with House(works=works) as house:
            return asyncio.run(measure(house))

    return run


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "live": _in_house(live.measure),
    "ingest": _in_house(ingest.measure, works=False),
    "inboxes": _in_house(inboxes.measure),
    "burst": burst.measure,
    "answers": _in_house(answers.measure),
    "workers": _in_house(workers.measure, works=False),
    "leftover": _in_house(leftover.measure),
    "followers": followers.measure,
    "push": push.measure,
    "escalations": escalations.measure,
    "provisioning": _in_house(provisioning.measure),
    "paint": _in_house(first_paint.measure),
}
LARGE: dict[str, Callable[..., list[Figure]]] = {
    "growth": growth.measure,
    "retention": retention.measure,
    "day": day.measure,
}
"""Asked for by name only: they take long. With a number of items, or of events, after it; `burst` may have one, too."""
NUMBERED: dict[str, Callable[[int], list[Figure]]] = {**LARGE, "burst": burst.measure}


def main() -> int:
    parts, number = requested(sys.argv[1:])
    parts = measurable(parts)
    if not parts:
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    began = time.monotonic()
    try:
        figures = [figure for part in parts for figure in measure(part, number)]
    except BenchError as fault:
        print(f"The benchmark could not be finished. {fault}", file=sys.stderr)
        return 1
    print(table(figures))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{time.monotonic() - began:.0f} s; {os.cpu_count()} processors; load {load}.")
    return 0


def requested(words: Sequence[str]) -> tuple[Collection[str], int | None]:
    """What to measure, and of how many events the day is to be, or with how many items in the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, each figure beside its peer's.")
    choices = ", ".join([*PARTS, *LARGE, "all"])
    numbered = ", ".join(NUMBERED)
    parser.add_argument("parts", nargs="*", type=_part, default=["all"], help=f"{choices}; a number after {numbered}")
    arguments: list[str | int] = parser.parse_args(words).parts
    number = next((word for word in arguments if isinstance(word, int)), None)
    return list(PARTS) if "all" in arguments else [word for word in arguments if isinstance(word, str)], number


def _part(word: str) -> str | int:
    """The name of a part, or a number of events. Raises ValueError."""
    if word.isdecimal():
        return int(word)
    if word not in (*PARTS, *LARGE, "all"):
        raise ValueError(word)
    return word


def measurable(parts: Collection[str]) -> Collection[str]:
    """The parts without those that cannot be measured here. Prints what is missing for them."""
    if "paint" in parts and not Path(first_paint.CHROMIUM).exists():
        print(
            f"paint: {first_paint.CHROMIUM} is missing, so that an inbox on a slow phone is not measured. "
            "Install it (Debian: apt-get install chromium).",
            file=sys.stderr,
            flush=True,
        )
        return [part for part in parts if part != "paint"]
    return parts


def measure(part: str, number: int | None) -> list[Figure]:
    if number is not None and part in NUMBERED:
        return NUMBERED[part](number)
    return {**PARTS, **LARGE}[part]()


def table(figures: list[Figure]) -> str:
    lines = [HEAD, *(_line(figure) for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _line(figure: Figure) -> tuple[str, ...]:
    met = {True: "met", False: "NOT MET", None: ""}[figure.met]
    ours = "" if figure.ours is None else f"{figure.ours:,.1f} {figure.unit}"
    peer = figure.peer_is if figure.peer is None else f"{figure.peer:,.1f} {figure.unit} ({figure.peer_is})"
    ratio = "" if figure.ours is None or figure.peer is None else f"{figure.ours / figure.peer:.2f}"
    return figure.what, ours, peer, ratio, figure.target, met


if __name__ == "__main__":
    sys.exit(main())
