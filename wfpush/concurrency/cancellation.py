"""A task that is cancelled ends, also where a library has swallowed the cancellation."""

import asyncio


def heed_cancellation() -> None:
    """After an await that may have swallowed it: raise the CancelledError that this task was sent.

    Until Python 3.12 `asyncio.wait_for` returns the result when a cancellation meets a future that has just finished
    (python/cpython#86296), and redis-py sends every command by it. Who awaits something next does so for ever: a task's
    owner cancels it once. `Task.cancelling` still knows. Our own code uses `asyncio.timeout`, which swallows nothing.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
