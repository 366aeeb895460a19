"""How pytest-xdist shares the tests out: one process does what mostly waits, the others everything else.

Browsers and installations under load are held to seconds. Two of them at once, on two processors, do not keep to them.
"""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG = ("tests/soak/", "tests/browsers/", "tests/deploy/")
"""What one process does from the beginning, one after the other. Any other file stays whole."""


def processes() -> int:
    """How many `pytest -n auto` starts."""
    return max(2, os.cpu_count() or 1)


class Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return Scheduling(config, log)


def group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return "long" if file.startswith(LONG) else file


def sort(items: list[pytest.Item]) -> None:
    """What is long begins, then the other files that start processes, since those mostly wait, too."""
    ranks: dict[str, int] = {}
    for item in items:
        group = group_of(item.nodeid)
        ranks[group] = min(ranks.get(group, 2), _rank(item))
    items.sort(key=lambda item: ranks[group_of(item.nodeid)])


def _rank(item: pytest.Item) -> int:
    if item.nodeid.startswith(LONG):
        return 0
    return 1 if item.get_closest_marker("processes") else 2
