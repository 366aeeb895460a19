"""A plugin of pytest for runs at an instant (`dates.py`): before each test, the clock of all goes back to it."""

import os
from pathlib import Path

import pytest

from tests.support.dates import BEGINS, real_time


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    if begins := os.environ.get(BEGINS):
        set_clock(Path(os.environ["FAKETIME_TIMESTAMP_FILE"]), float(begins))


def set_clock(offsets: Path, instant: float) -> None:
    """By renaming: another process that reads the clock meanwhile finds the old offset or the new one."""
    fresh = offsets.with_suffix(".new")
    fresh.write_text(f"{instant - real_time():+.3f}")
    fresh.chmod(0o644)
    fresh.replace(offsets)
