"""Repeats at the end of a run each cause of failed tests once: of a long output, often only the last lines are kept."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

FRAMES = 4
"""The number of the last places of a traceback."""
WIDTH = 300
LISTED = 12
"""The largest number of causes."""


def causes(reports: Iterable[Any]) -> Iterator[str]:
    """Yield lines: for each message the number of tests with it, the first of them, and where it was raised."""
    by_message: dict[str, list[Any]] = {}
    for report in reports:
        by_message.setdefault(_message(report), []).append(report)
    for message, alike in islice(by_message.items(), LISTED):
        yield f"{len(alike)} with: {message[:WIDTH]}"
        yield f"  {alike[0].nodeid} ({alike[0].when})"
        yield from (f"    {place}" for place in _places(alike[0])[-FRAMES:])


def _message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return " ".join(str(crash.message if crash else report.longrepr).split())


def _places(report: Any) -> list[str]:
    traceback = getattr(report.longrepr, "reprtraceback", None)
    entries = [getattr(entry, "reprfileloc", None) for entry in traceback.reprentries] if traceback else []
    return [f"{entry.path}:{entry.lineno}" for entry in entries if entry is not None]
