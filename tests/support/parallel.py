"""How pytest-xdist shares the tests out: what shares processes stays together, and what takes longest begins first."""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/browsers/test_push", "tests/browsers/", "tests/deploy/")
"""Tests whose paths begin so share an installation, and one process runs them all. Any other file stays whole."""
LONG = ("tests/soak/", *TOGETHER)
"""What begins first, in this order; then the other files that start processes, since those mostly wait."""
WAITING = 2
"""Processes that only wait at any time."""


def processes() -> int:
    """How many `pytest -n auto` starts."""
    return (os.cpu_count() or 1) + WAITING


class Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return Scheduling(config, log)


def group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((place for place in TOGETHER if file.startswith(place)), file)


def sort(items: list[pytest.Item]) -> None:
    """Tests of a group stay in their order."""
    ranks: dict[str, int] = {}
    for item in items:
        group = group_of(item.nodeid)
        ranks[group] = min(ranks.get(group, len(LONG) + 1), _rank(item))
    items.sort(key=lambda item: ranks[group_of(item.nodeid)])


def _rank(item: pytest.Item) -> int:
    others = len(LONG) + (item.get_closest_marker("processes") is None)
    return next((rank for rank, place in enumerate(LONG) if item.nodeid.startswith(place)), others)
