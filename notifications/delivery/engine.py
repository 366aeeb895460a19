"""The delivery engine: claims due rows of all channels, sends them, and writes the results.

Each channel has a lane, which claims as much as there is room for; one sender sends for all lanes, and one recorder
writes. A slow lane, service, domain or device uses up its own places only.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import close_old_connections
from django.utils import timezone

from notifications.channels import registry
from notifications.channels.base import Channel, DeviceChannel, PersonChannel
from notifications.delivery import claims
from notifications.delivery.device_lane import DeviceLane
from notifications.delivery.person_lane import PersonLane
from notifications.delivery.sender import Sender
from notifications.items import receipts
from notifications.types import Receipt
from wfpush.concurrency.threads import in_database_thread
from wfpush.queue import outbox


def begin() -> None:
    for channel in registry.channels().values():
        if channel.receipts.listen is not None:
            channel.receipts.listen(partial(_note, channel.name))


def end() -> None:
    for channel in registry.channels().values():
        if channel.receipts.hang_up is not None:
            channel.receipts.hang_up()


def _note(channel: str, new_receipts: Sequence[Receipt]) -> None:
    """Record receipts. Called in a thread of the channel."""
    close_old_connections()
    try:
        receipts.note(channel, new_receipts, timezone.now())
    finally:
        close_old_connections()


SOURCE_NAME = "deliveries"
CLOSE_SECONDS = 2.0


class Lane(Protocol):
    """Claims messages of a channel, or of several similar ones, and gives them places."""

    def has_due(self, now: datetime) -> bool: ...

    async def drain(self) -> None:
        """Make the first claim; errors of the database propagate. Everything else runs by itself."""

    async def idle(self) -> None: ...

    async def close(self, seconds: float) -> None: ...


class Engine:
    """All messages in flight of these channels in one dispatcher process. Belongs to one event loop."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._sender = Sender()
        persons = [channel for channel in channels if isinstance(channel, PersonChannel)]
        self._lanes: list[Lane] = [PersonLane(each, self._sender) for each in [*persons, None]]
        if any(isinstance(channel, DeviceChannel) for channel in channels):
            self._lanes.append(DeviceLane(self._sender))

    async def drain(self) -> None:
        """Begin to send due messages. No lane waits for another."""
        await asyncio.gather(*(lane.drain() for lane in self._lanes))

    async def drained(self) -> None:
        """Return when nothing is due or in flight. The next channel takes over what one channel gives up."""
        due = True
        while due:
            await self.drain()
            await self.idle()
            due = any([await in_database_thread(lane.has_due, timezone.now()) for lane in self._lanes])

    async def idle(self) -> None:
        """Return when every claimed message is sent, or has failed, and its result is written."""
        await asyncio.gather(*(lane.idle() for lane in self._lanes))

    async def close(self) -> None:
        """Give messages in flight a moment to end, write the results, and close connections and threads."""
        await asyncio.gather(*(lane.close(CLOSE_SECONDS) for lane in self._lanes))
        await self._sender.close(CLOSE_SECONDS)


_engine: Engine | None = None


async def drain() -> None:
    """Begin to send due messages. The engine is made on first use, since it belongs to the dispatcher's event loop."""
    global _engine
    if _engine is None:
        _engine = Engine(list(registry.channels().values()))
        begin()
    await _engine.drain()


async def close() -> None:
    global _engine
    if _engine is not None:
        engine, _engine = _engine, None
        await engine.close()
        await asyncio.to_thread(end)  # messages in flight may have used the channels' connections


SOURCES = (outbox.Source(SOURCE_NAME, "dispatcher", claims.has_due, drain, close, claims.has_late),)
