"""What `make test` leaves to `make soak`: long runs, and further cases of what it proves once itself."""

import os
from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet

LONG = os.environ.get("WFPUSH_SOAK") == "long"
"""`make soak`."""


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that are marked `long` are for `make soak`, or for whoever sets WFPUSH_SOAK to run one."""
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def some(cases: Iterable[Any], count: int) -> list[Any]:
    """For `parametrize`, of what one piece of code refuses or does in many cases alike: so many of them, spread over
    all, are for every run, and the others `long`. A tuple is a case of several arguments."""
    found = list(cases)
    chosen = {place * len(found) // count for place in range(count)}
    return [case if place in chosen else _long(case) for place, case in enumerate(found)]


def _long(case: Any) -> ParameterSet:
    if isinstance(case, ParameterSet):
        return case._replace(marks=[*case.marks, pytest.mark.long])
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long)
