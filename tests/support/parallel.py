"""How pytest-xdist shares the tests out, so that the processors are busy while some tests wait.

One process begins with the browsers, and a second one with the installations under load. The others do everything else,
and leave the processors to the two when they need them: browsers are held to seconds.
"""

import os
from collections import OrderedDict
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG = {"tests/browsers/": "browsers", "tests/soak/": "installations", "tests/deploy/": "installations"}
"""Folders whose tests one process does from the beginning, one after the other. Other files are groups of their own."""
ORDER = [*dict.fromkeys(LONG.values())]
LAST = len(ORDER) + 1
LESS_URGENT = 5
"""How much nicer (nice(2)) the processes are that do everything else."""


def processes() -> int:
    """How many `pytest -n auto` starts: two wait for browsers and servers for half of their time."""
    return (os.cpu_count() or 1) + 2


def give_way(worker: str) -> None:
    """Called in each process. pytest-xdist calls them `gw0`, `gw1` and so on; they get the groups in that order."""
    if number_of(worker) >= len(ORDER):
        os.nice(LESS_URGENT)


def number_of(worker: str) -> int:
    return int(worker.removeprefix("gw"))


class Scheduling(LoadScopeScheduling):
    def schedule(self) -> None:
        if self.collection is None:  # before the first groups are given out; else the order is that of who loaded first
            self.assigned_work = OrderedDict(
                sorted(self.assigned_work.items(), key=lambda work: number_of(work[0].gateway.id))
            )
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return Scheduling(config, log)


def group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((group for folder, group in LONG.items() if file.startswith(folder)), file)


def sort(items: list[pytest.Item]) -> None:
    """Browsers begin, then installations, then the other files that start processes, since those wait often, too."""
    ranks: dict[str, int] = {}
    for item in items:
        group = group_of(item.nodeid)
        ranks[group] = min(ranks.get(group, LAST), _rank(item))
    items.sort(key=lambda item: ranks[group_of(item.nodeid)])


def _rank(item: pytest.Item) -> int:
    group = group_of(item.nodeid)
    if group in ORDER:
        return ORDER.index(group)
    return LAST - 1 if item.get_closest_marker("processes") else LAST
