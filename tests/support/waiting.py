"""Waiting for a condition with a deadline, for what happens in other processes."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

PATIENCE_SECONDS = 90.0
"""Longer than anything takes on a machine that is busy with other things; nothing waits that long unless it fails."""


def eventually(
    condition: Callable[[], Value], what: str, *, within: float = PATIENCE_SECONDS, every: float = 0.05
) -> Value:
    """The first true value of `condition`, looked at `every` so often; AssertionError naming `what` after `within`."""
    end = time.monotonic() + within
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(every)


async def soon(condition: Callable[[], Value], what: str) -> Value:
    """The same of what happens in this event loop and its threads; the condition may not ask the database."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {PATIENCE_SECONDS:g} s: {what}"
        await asyncio.sleep(0.02)
    return value
