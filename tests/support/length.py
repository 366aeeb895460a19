"""What `make test` leaves to `make soak`: long runs, and further cases of what it proves once itself."""

import os

import pytest

LONG = os.environ.get("WFPUSH_SOAK") == "long"
"""`make soak`."""


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that are marked `long` are for `make soak`, or for whoever sets WFPUSH_SOAK to run one."""
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
