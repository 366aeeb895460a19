"""Handles messages of several receivers, one at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from wfpush.concurrency.cancellation import raise_if_cancelled

T = TypeVar("T")


async def handle_in_turn(
    receivers: Iterable[Callable[[], Awaitable[T]]], handle: Callable[[T], Awaitable[None]]
) -> None:
    """Call `handle` with each message that one of the receivers returns, until a call raises.

    Each receiver has one task for as long as this runs. A task for each message would take longer than most messages.
    """
    turn = asyncio.Lock()

    async def follow(receive: Callable[[], Awaitable[T]]) -> None:
        while True:
            message = await receive()
            async with turn:
                await handle(message)
            raise_if_cancelled()

    tasks = [asyncio.create_task(follow(receive)) for receive in receivers]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
