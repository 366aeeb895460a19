"""What `make test` leaves to CI, and both to `make soak`."""

import os
from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from hypothesis import HealthCheck, Phase, settings

LONG = os.environ.get("WFPUSH_SOAK") == "long"
"""`make soak`."""
IN_CI = LONG or bool(os.environ.get("CI"))
"""`.ci/run`, too, and `CI=true make test`."""
SOAK = (
    "tests/soak/",
    "tests/engines/",
    "tests/deploy/",
    "tests/browsers/push/",
    "tests/escalations/calendars/",
    "tests/notifications/wording/",
    "tests/notifications/forms/",
)
"""Folders of which `make soak` runs every test, many in more cases. Files elsewhere mark themselves."""


def mark_soak(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(SOAK):
            item.add_marker(pytest.mark.soak)


def examples(long: int, short: int, *, shrinks: bool = True) -> settings:
    """How many examples of a whole story are tried in the long run, and in others. To find a smaller one of some
    stories takes minutes."""
    phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if shrinks else [])]
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=long if LONG else short, deadline=None, phases=phases, suppress_health_check=checks)


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that are marked `long` are for `make soak`, those that are marked `ci` for CI: what kills, restarts and
    upgrades whole installations, the desk in a browser, walks over all pages, and stories of a browser in a second one,
    or that no flow depends on."""
    elsewhere = [mark for mark, here in (("long", LONG), ("ci", IN_CI)) if not here]
    left_out = [item for item in items if any(item.get_closest_marker(mark) for mark in elsewhere)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


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
