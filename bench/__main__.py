"""`python -m bench [live] [ingest] [inboxes] [push] [escalations] [large]`: figures beside their peers', of one run."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Collection

from bench import escalations, inboxes, ingest, live, push
from bench.harness import BenchError, Figure, House

HEAD = ("", "wfpush", "peer", "ratio", "target", "")
PARTS = ("live", "ingest", "inboxes", "push", "escalations")
LARGE = "large"
"""Tables of a million rows: asked for by name only, for they take minutes to make."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, each figure beside its peer's.")
    # A default that is itself a choice: Python 3.11 looks for the empty list among the choices.
    parser.add_argument("parts", nargs="*", choices=[*PARTS, LARGE, "all"], default="all", help="what to measure")
    parts = parser.parse_args().parts
    parts = PARTS if "all" in parts else parts
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    began = time.monotonic()
    try:
        figures = measured(parts)
    except BenchError as fault:
        print(f"The benchmark could not be finished. {fault}", file=sys.stderr)
        return 1
    print(table(figures))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{time.monotonic() - began:.0f} s; {os.cpu_count()} processors; load {load}.")
    return 0


def measured(parts: Collection[str]) -> list[Figure]:
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
    if "push" in parts:
        figures += push.measure()
    if "escalations" in parts:
        figures += escalations.measure()
    if LARGE in parts:
        figures += escalations.measure_large()
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
