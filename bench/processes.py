"""What the product's processes use while it works."""

from collections.abc import Sequence

import psutil

from bench.harness import Program

KINDS = ("cluster", "dispatcher", "worker", "web")
MB = 1e6


def megabytes(programs: Sequence[Program]) -> dict[str, float]:
    """Resident megabytes of each process of the programs, by what it is and its number."""
    sizes = {}
    for program in programs:
        try:
            first = psutil.Process(program.process.pid)
            for process in (first, *first.children(recursive=True)):
                sizes[f"{_kind(process)} {process.pid}"] = process.memory_info().rss / MB
        except psutil.NoSuchProcess:
            continue  # it has just ended
    return sizes


def _kind(process: psutil.Process) -> str:
    words = process.cmdline()
    return next((kind for kind in KINDS if kind in words), "other")


def growth(before: dict[str, float], after: dict[str, float]) -> tuple[str, float]:
    """The process that has grown the most, and by how many times. Those that are not in both are left out."""
    grown = {name: after[name] / before[name] for name in before.keys() & after.keys() if before[name]}
    return max(grown.items(), key=lambda each: each[1], default=("", 1.0))
