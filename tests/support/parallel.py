"""How pytest-xdist shares the tests out: what shares processes stays together, and what takes longest begins first."""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/browsers", "tests/deploy")
"""Folders whose tests share an installation: one process of pytest-xdist runs them all."""
FIRST = (
    "tests/soak",
    "tests/browsers",
    "tests/deploy",
    "tests/wfpush/processes/test_processes.py",
    "tests/wfpush/management/test_up.py",
)
"""What mostly waits: the others run meanwhile."""


WAITING = 2
"""Processes that only wait at any time."""


def processes() -> int:
    """How many `pytest -n auto` starts."""
    return (os.cpu_count() or 1) + WAITING


class Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(f"{folder}/")), file)


def sort(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    return next((rank for rank, place in enumerate(FIRST) if nodeid.startswith(place)), len(FIRST))


def scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return Scheduling(config, log)
