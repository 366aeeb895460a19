"""Messages to devices: claimed by the hundred, and sent many at once.

Each push service has a room of its own. In it, devices that failed last time have few places, and messages that hang
move to slow places (`concurrency_limits.py`). So neither a dead device nor a failing service delays others.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from notifications.channels.registry import device_channel, device_channels
from notifications.delivery import claims, device_messages, results, service_pauses
from notifications.delivery.attempts import DeviceAttempt, Result, Service
from notifications.delivery.circuit_breaker import Devices
from notifications.delivery.claims import Busy
from notifications.delivery.concurrency_limits import Place, Room
from notifications.delivery.sender import Sender
from wfpush.concurrency.keyed_limits import Rounds
from wfpush.concurrency.threads import in_database_thread

log = structlog.get_logger(__name__)

BATCH = 400
SUSPECTS = 64
"""Number of suspects whose messages are claimed at once."""
AT_ONCE = 8
"""Messages of one device that are in flight at the same time."""
VISIT_EVERY = 1.0
"""Seconds after which suspects are tried even when other messages are always due."""
LOOK = 0.1
"""Seconds between checks whether a device with several messages in flight hangs."""
PUT_BACK = timedelta(seconds=2)
"""Time for which further messages to a device are put back while an earlier one has no answer."""
NO_PLACE = timedelta(seconds=60)
"""Time for which a suspect without a place is put back, so that another one of its service may be tried first."""


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """The number of claimed rows, the attempts made of them, and the paused services."""

    rows: int
    attempts: list[DeviceAttempt]
    paused: dict[Service, datetime]


class DeviceLane:
    """All messages in flight to devices in one dispatcher process."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._rounds = Rounds(self._take)
        self._under_way: set[asyncio.Task[None]] = set()
        self._visiting: asyncio.Task[None] | None = None
        self._visit_at = 0.0
        self._suspect_left = asyncio.Event()
        self._rooms: defaultdict[Service, Room] = defaultdict(lambda: Room(self._rounds.again, self._suspect_left))
        self._devices = Devices()

    def has_due(self, now: datetime) -> bool:
        return claims.has_due_for_devices(now)

    async def drain(self) -> None:
        """Make the first claim. Further claims, and everything claimed, run by themselves."""
        await self._rounds.begin()

    async def idle(self) -> None:
        """Return when nothing is in flight, and all results are written."""
        while waiting := [*self._under_way, *self._rounds.under_way]:
            await asyncio.wait(waiting)

    async def close(self, seconds: float) -> None:
        """Give messages in flight a moment to end; leases cover the rest."""
        self._rounds.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        if self._visiting is not None:
            self._visiting.cancel()
        for task in list(self._under_way):
            task.cancel()
        for channel in device_channels():
            await channel.transport.close()

    # --- claims ----------------------------------------------------------------------------------
    async def _take(self) -> bool:
        """Claim due messages for services that have room. Return whether there may be more; full services call when
        they have room."""
        full = [service for service, room in self._rooms.items() if room.is_full]
        claimed = await self._claim(Busy(full))
        if not claimed.rows or asyncio.get_running_loop().time() >= self._visit_at:
            await self._visit_suspects()
        return claimed.rows > 0

    async def _claim(self, busy: Busy, *, suspects: bool = False) -> ClaimedBatch:
        claim = _claim_suspects if suspects else _claim
        claimed = await in_database_thread(claim, busy, timezone.now())
        self._sender.paused_until = claimed.paused
        await self._send_out(claimed.attempts)
        return claimed

    async def _visit_suspects(self) -> None:
        """Claim messages for suspects now, and each time that a suspect has left its place."""
        self._visit_at = asyncio.get_running_loop().time() + VISIT_EVERY
        self._devices.forget()
        if self._visiting is None or self._visiting.done():
            await self._take_suspects()
            self._visiting = asyncio.create_task(self._go_on_visiting())

    async def _go_on_visiting(self) -> None:
        while any(room.suspects for room in self._rooms.values()):
            await self._suspect_left.wait()
            self._suspect_left.clear()
            try:
                await self._take_suspects()
            except (OperationalError, InterfaceError) as fault:  # the next drain begins again
                log.error("push_suspects_not_taken", fault=repr(fault))
                return

    async def _take_suspects(self) -> None:
        claimed = 1
        while claimed:
            crowded = [service for service, room in self._rooms.items() if room.is_crowded]
            claimed = (await self._claim(Busy(crowded, self._devices.out()), suspects=True)).rows

    # --- sending ---------------------------------------------------------------------------------
    async def _send_out(self, attempts: list[DeviceAttempt]) -> None:
        """Send the messages of all devices at once. Return when each message is in flight, or in a queue."""
        of_devices: defaultdict[UUID, list[DeviceAttempt]] = defaultdict(list)
        for attempt in attempts:
            of_devices[attempt.device].append(attempt)
        for own in of_devices.values():
            self._start(self._deliver(own[0]) if len(own) == 1 else self._deliver_in_turn(own))
        await asyncio.sleep(0)

    def _start(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _deliver_in_turn(self, attempts: list[DeviceAttempt]) -> None:
        """Send several messages of one device at once. If the first do not arrive, the others wait until the first are
        tried again; for a suspect the message that was tried most often goes first."""
        waiting = sorted(attempts, key=lambda each: -each.row.attempts)
        while waiting:
            suspect = self._devices.is_suspect(waiting[0])
            some, waiting = (waiting[:1], waiting[1:]) if suspect else (waiting[:AT_ONCE], waiting[AT_ONCE:])
            tasks = [self._start(self._deliver(each)) for each in some]
            if not await self._arrive(tasks, some[0]):
                again_at = results.next_for(some[0].row, timezone.now())
                left = [self._sender.write(Result(each, again_at=again_at)) for each in waiting]
                await asyncio.gather(*left, *tasks)
                return

    async def _arrive(self, tasks: list["asyncio.Task[None]"], attempt: DeviceAttempt) -> bool:
        """Return whether all tasks have ended and the device accepts more; False as soon as the device hangs."""
        left = set(tasks)
        while left:
            _, left = await asyncio.wait(left, timeout=LOOK)
            if left and self._devices.hangs(attempt.device):
                return False
        return not self._devices.is_suspect(attempt)

    async def _deliver(self, attempt: DeviceAttempt) -> None:
        """Send the attempt, and keep its place until the result is written. The result of an attempt that was not made
        is written after it has left its place."""
        untried = await self._in_room(self._rooms[attempt.service], attempt)
        if untried is not None:
            await self._sender.write(untried)

    async def _in_room(self, room: Room, attempt: DeviceAttempt) -> Result | None:
        if self._devices.is_suspect(attempt):
            return await self._as_suspect(room, attempt)
        place = await room.place()
        try:
            if not self._devices.is_suspect(attempt):
                return await self._in_place(place, attempt)
        finally:
            place.end()
        return await self._as_suspect(room, attempt)  # the device has become a suspect meanwhile

    async def _as_suspect(self, room: Room, attempt: DeviceAttempt) -> Result | None:
        """Send one message to see whether the device works again, if there is a place."""
        device = attempt.device
        if room.is_crowded and not self._devices.is_out(device):
            return Result(attempt, again_at=timezone.now() + NO_PLACE)
        if not self._devices.is_out(device):
            async with room.suspects_place():
                if not self._devices.is_out(device):
                    return await self._in_place(None, attempt)
        return Result(attempt, again_at=timezone.now() + PUT_BACK)

    async def _in_place(self, place: Place | None, attempt: DeviceAttempt) -> Result | None:
        untried = self._sender.held_up(attempt, timezone.now())
        if untried is None:
            await self._sender.send(attempt, self._transmit(place, attempt))
        return untried

    async def _transmit(self, place: Place | None, attempt: DeviceAttempt) -> Sequence[str]:
        transport, device, failed = device_channel(attempt.channel).transport, attempt.device, True
        self._devices.began(device)
        try:
            await transport.send(attempt.address, attempt.message_at(timezone.now()))
            failed = False
            return ()
        finally:
            self._devices.ended(device, failed=failed)
            if place is not None:
                place.answered()


def _claim(busy: Busy, now: datetime) -> ClaimedBatch:
    """Claim messages for working devices, test messages, and farewells."""
    waiting = claims.waiting_for_devices(now)
    tests = claims.tests(BATCH, now) if waiting.tests else []
    farewells = claims.farewells(BATCH, now) if waiting.farewells else []
    rows = claims.for_all(waiting.channels, BATCH, busy, now)
    attempts = [
        *device_messages.for_tests(tests, now),
        *device_messages.for_farewells(farewells, now),
        *device_messages.for_deliveries(rows, now),
    ]
    return ClaimedBatch(len(tests) + len(farewells) + len(rows), attempts, service_pauses.paused_services())


def _claim_suspects(busy: Busy, now: datetime) -> ClaimedBatch:
    rows = claims.for_suspects(SUSPECTS, BATCH, busy, now) if claims.there_are_suspects() else []
    return ClaimedBatch(len(rows), device_messages.for_deliveries(rows, now), service_pauses.paused_services())
