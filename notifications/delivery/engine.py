"""The delivery engine: claims what is due on all channels, sends it, writes down what came of it.

Each channel has a lane, which claims what there is room for; one sender sends for all of them, and one recorder writes.
A lane, a service, a domain or a device that is slow has places of its own, and costs the others nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db.models import Q
from django.utils import timezone

from notifications.channel_facts import device_channels
from notifications.channels import registry
from notifications.channels.base import Channel, DeviceChannel, PersonChannel
from notifications.delivery import claims, listening
from notifications.delivery.device_lane import DeviceLane
from notifications.delivery.person_lane import PersonLane
from notifications.delivery.sender import Sender
from wfpush.concurrency.threads import in_database_thread
from wfpush.queue import outbox

SOURCE = "deliveries"
CLOSE_SECONDS = 2.0


class Lane(Protocol):
    """How messages of a channel, or of several that are alike, are claimed and find a place."""

    def has_due(self, now: datetime) -> bool: ...

    async def drain(self) -> None:
        """Make the first claim, and raise what is wrong with the database; all else goes on by itself."""

    async def idle(self) -> None: ...

    async def close(self, seconds: float) -> None: ...


class Engine:
    """Everything under way on these channels in one dispatcher process. Belongs to one event loop."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._sender = Sender()
        persons = [channel for channel in channels if isinstance(channel, PersonChannel)]
        self._lanes: list[Lane] = [PersonLane(each, Q(channel=each.name), self._sender) for each in persons]
        known = [each.name for each in registry.person_channels()]
        self._lanes.append(PersonLane(None, ~Q(channel__in=[*known, *device_channels()]), self._sender))
        if any(isinstance(channel, DeviceChannel) for channel in channels):
            self._lanes.append(DeviceLane(self._sender))

    async def drain(self) -> None:
        """Begin to send what is due. No lane waits for another."""
        await asyncio.gather(*(lane.drain() for lane in self._lanes))

    async def drained(self) -> None:
        """Until nothing is due, and nothing is under way. What one channel gives up, the next one takes over."""
        due = True
        while due:
            await self.drain()
            await self.idle()
            due = any([await in_database_thread(lane.has_due, timezone.now()) for lane in self._lanes])

    async def idle(self) -> None:
        """Until what has been taken is sent, or has failed, and is written down."""
        await asyncio.gather(*(lane.idle() for lane in self._lanes))

    async def close(self) -> None:
        """Let what is under way end for a moment, write it down, and give back connections and threads."""
        await asyncio.gather(*(lane.close(CLOSE_SECONDS) for lane in self._lanes))
        await self._sender.close(CLOSE_SECONDS)


_engine: Engine | None = None


async def drain() -> None:
    """Made on first use: it belongs to the dispatcher's event loop."""
    global _engine
    if _engine is None:
        _engine = Engine(list(registry.channels().values()))
        listening.begin()
    await _engine.drain()


async def close() -> None:
    global _engine
    if _engine is not None:
        engine, _engine = _engine, None
        await engine.close()
        await asyncio.to_thread(listening.end)  # what was under way may have used its connections


SOURCES = (outbox.Source(SOURCE, "dispatcher", claims.has_due, drain, close),)
