"""Ends a cancelled task even if a library has swallowed the cancellation."""

import asyncio


def raise_if_cancelled() -> None:
    """Raise the CancelledError that this task was sent, if a library has swallowed it. Call it after awaiting a
    library.

    Until Python 3.12 `asyncio.wait_for` returns the result when a cancellation meets a future that has just finished
    (python/cpython#86296), and redis-py sends every command through it. The task would go on, and its owner cancels it
    only once. `Task.cancelling` still counts it. Our own code uses `asyncio.timeout`, which swallows nothing.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
