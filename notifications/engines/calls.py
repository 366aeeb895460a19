"""Calls to engines that are under way, and the connections that they share: kept between drains of due work."""

from collections.abc import Callable
from typing import Generic, TypeVar

from notifications.connectors.access import EngineClient
from wfpush.concurrency.keyed_limits import Places
from wfpush.net.http import Outbound

CLOSE_SECONDS = 2.0

Job = TypeVar("Job")


class EngineCalls(Generic[Job]):
    """Calls of one source of due work. `places` makes the limits for the calls, `outbound` the connections; both are
    made again after `close`.

    Each engine has places of its own, so a slow engine does not hold up others.
    """

    def __init__(self, places: Callable[[], Places[int, Job]], outbound: Callable[[], Outbound]) -> None:
        self._new_places, self._outbound = places, outbound
        self._line: EngineClient | None = None
        self.places = places()

    def open(self) -> EngineClient:
        if self._line is None:
            self._line = EngineClient(self._outbound())
        return self._line

    async def drain(self) -> None:
        """Begin due work."""
        await self.places.drain()

    async def drained(self) -> None:
        """Return when nothing is due and nothing is running."""
        await self.places.drained()

    async def close(self) -> None:
        """Give running calls a moment to end."""
        await self.places.close(CLOSE_SECONDS)
        if self._line is not None:
            await self._line.close()
        self._line, self.places = None, self._new_places()
