"""Places at push services: they limit the messages that are in flight to a service at once, and make others wait.

A message has one of the `ROOM` quick places until its result is written. A message without an answer after a moment
moves to the slow places, and the next one takes its place: services answer within a moment, so devices hang there, and
working devices need not wait for them. Devices that are known to fail have a few places of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

ROOM = 128
"""Messages to one service that were sent a moment ago, or have an answer that is not yet written: a crash may send
these twice."""
SLOW = 384
"""Messages to one service that are not answered quickly."""
SUSPECTS = 32
"""Suspects of one service that are tried at the same time."""
HELD = 0.25
"""Seconds after which a message without an answer makes way for others."""
QUEUE = 200
"""Number of messages waiting for a quick place at which no more are claimed for the service."""


class Place:
    """The place of one message. `move` is tried until it succeeds, or the service has answered."""

    def __init__(self, leave: Callable[[], None], move: Callable[["Place"], bool]) -> None:
        self.leave = leave
        self._move = move
        self._timer: asyncio.TimerHandle | None = None
        self._look_later()

    def answered(self) -> None:
        """Keep the place from moving: only the result is still to be written."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """Leave the place: the result is written, or there is none."""
        self.answered()
        self.leave()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(HELD, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._move(self):
            self._look_later()


class Room:
    """All places at one push service. Belongs to one event loop.

    `has_room` is called when a full room has room again; `suspect_left` is set when a suspect has left.
    """

    def __init__(self, has_room: Callable[[], None], suspect_left: asyncio.Event) -> None:
        self._quick = asyncio.Semaphore(ROOM)
        self._slow = SLOW
        self._suspects = asyncio.Semaphore(SUSPECTS)
        self._queued = 0
        self._has_room = has_room
        self._suspect_left = suspect_left
        self.suspects = 0
        """Devices that have a place, or wait for one."""

    @property
    def is_full(self) -> bool:
        return self._queued >= QUEUE

    @property
    def is_crowded(self) -> bool:
        """Return whether as many suspects wait for a place as there are places."""
        return self.suspects >= 2 * SUSPECTS

    async def place(self) -> Place:
        """Wait for a quick place, first come, first served. The caller must call `Place.end`."""
        await self._wait()
        return Place(self._quick.release, self._move)

    async def _wait(self) -> None:
        self._queued += 1
        try:
            await self._quick.acquire()
        finally:
            self._queued -= 1
            if self._queued == QUEUE - 1:
                self._has_room()

    @asynccontextmanager
    async def suspects_place(self) -> AsyncIterator[None]:
        """Wait for a suspect's place, which it keeps however long it hangs."""
        self.suspects += 1
        try:
            async with self._suspects:
                yield
        finally:
            self.suspects -= 1
            self._suspect_left.set()

    def _move(self, place: Place) -> bool:
        if self._slow <= 0:
            return False
        self._slow -= 1
        place.leave = self._leave_slow
        self._quick.release()
        return True

    def _leave_slow(self) -> None:
        self._slow += 1
