"""Rounds of one piece of work that takes what is there, such as a claim: one at a time, again while there is more."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)


class Rounds:
    """`take` does one round, and says whether there may be more to take. Belongs to one event loop."""

    def __init__(self, take: Callable[[], Awaitable[bool]]) -> None:
        self._take = take
        self._one_at_a_time = asyncio.Lock()
        self._is_requested = False
        self._task: asyncio.Task[None] | None = None

    async def once(self) -> bool:
        """One round, after one that is under way. Raises what it raised."""
        async with self._one_at_a_time:
            return await self._take()

    async def begin(self) -> None:
        """One round; those that follow it go on after this has returned."""
        if await self.once():
            self.again()

    def again(self) -> None:
        """Start rounds in the background, until there is nothing left to take."""
        self._is_requested = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go_round())

    async def _go_round(self) -> None:
        while self._is_requested:
            self._is_requested = False
            try:
                while await self.once():
                    pass
            except Exception as fault:  # the dispatcher begins again every few seconds, and says so
                log.info("round_failed", fault=repr(fault))
                return

    @property
    def under_way(self) -> "list[asyncio.Task[None]]":
        """What is to be waited for until nothing is taken any more; empty, or one task."""
        return [self._task] if self._task is not None and not self._task.done() else []

    def cancel(self) -> None:
        for task in self.under_way:
            task.cancel()
