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
from collections.abc import Collection, Sequence

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
    preferences,
    programs,
    push,
    retention,
    workers,
)
from bench.day import run as day
from bench.harness import BenchError, Figure, House

HEAD = ("", "wfpush", "peer", "ratio", "target", "")
PARTS = (
    "live",
    "ingest",
    "inboxes",
    "burst",
    "preferences",
    "answers",
    "workers",
    "leftover",
    "followers",
    "push",
    "escalations",
    "paint",
)
LARGE = "large"
"""Tables of a million rows: asked for by name only, for they take minutes to make."""
DAY, GROWTH, RETENTION = "day", "growth", "retention"
"""With a number of events, or of items, after it; also by name only."""


def main() -> int:
    parts, number = asked(sys.argv[1:])
    parts = measurable(parts)
    if not parts:
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    began = time.monotonic()
    try:
        figures = measured(parts, number)
    except BenchError as fault:
        print(f"The benchmark could not be finished. {fault}", file=sys.stderr)
        return 1
    print(table(figures))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{time.monotonic() - began:.0f} s; {os.cpu_count()} processors; load {load}.")
    return 0


def asked(words: Sequence[str]) -> tuple[Collection[str], int | None]:
    """What to measure, and of how many events the day is to be, or with how many items in the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, each figure beside its peer's.")
    choices = ", ".join([*PARTS, LARGE, GROWTH, RETENTION, DAY, "all"])
    parser.add_argument(
        "parts",
        nargs="*",
        type=_part,
        default=["all"],
        help=f"{choices}; after burst, day, growth or retention a number",
    )
    given: list[str | int] = parser.parse_args(words).parts
    number = next((each for each in given if isinstance(each, int)), None)
    return PARTS if "all" in given else [each for each in given if isinstance(each, str)], number


def measurable(parts: Collection[str]) -> Collection[str]:
    """Return the parts without those of which nothing can be measured here. Prints what is missing for any of them."""
    missing = programs.missing(parts)
    for needed in missing:
        print(needed.sentence(), file=sys.stderr, flush=True)
    return [part for part in parts if part not in {needed.part for needed in missing if needed.whole}]


def _part(word: str) -> str | int:
    """The name of a part, or a number of events. Raises ValueError."""
    if word.isdecimal():
        return int(word)
    if word not in (*PARTS, LARGE, GROWTH, RETENTION, DAY, "all"):
        raise ValueError(word)
    return word


def measured(parts: Collection[str], number: int | None) -> list[Figure]:
    figures: list[Figure] = []
    if "live" in parts or "ingest" in parts:
        with House() as house:
            reached = asyncio.run(live.measure(house)) if "live" in parts else []
            house.stop_working()
            figures += asyncio.run(ingest.measure(house)) if "ingest" in parts else []
            figures += reached
    if "inboxes" in parts:
        with House() as house:
            figures += asyncio.run(inboxes.measure(house))
    if "burst" in parts:
        figures += burst.measure(number or burst.MANY)
    if "preferences" in parts:
        with House() as house:
            figures += asyncio.run(preferences.measure(house))
    if "leftover" in parts or "answers" in parts:
        with House() as house:
            figures += asyncio.run(leftover.measure(house)) if "leftover" in parts else []
            figures += asyncio.run(answers.measure(house)) if "answers" in parts else []
    if "workers" in parts or "followers" in parts:
        with House(works=False) as house:
            figures += asyncio.run(workers.measure(house)) if "workers" in parts else []
            figures += followers.measure(house) if "followers" in parts else []
    if "paint" in parts:
        with House() as house:
            figures += asyncio.run(first_paint.measure(house))
    if "push" in parts:
        figures += push.measure()
    if "escalations" in parts:
        figures += escalations.measure()
    if LARGE in parts:
        figures += escalations.measure_large()
    if LARGE in parts or GROWTH in parts:
        figures += growth.measure_large(number or growth.MANY)
    if LARGE in parts or RETENTION in parts:
        figures += retention.measure(number or growth.MANY)
    if DAY in parts:
        figures += day.measure(number or day.EVENTS)
    return figures


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
