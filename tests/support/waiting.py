"""Waiting for a condition with a deadline, for what happens in other processes."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(condition: Callable[[], Value], what: str, *, within: float = 20.0) -> Value:
    """The first true value of `condition`; AssertionError naming `what` after `within` seconds."""
    end = time.monotonic() + within
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.02)
