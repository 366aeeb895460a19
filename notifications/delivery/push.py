"""The push dispatcher: sends what is due to browsers and phones, many at once, and writes down what came of it in bulk.

Each push service has room of its own, in it devices that failed last time have few places, and what hangs makes way
(`push_places.py`). So neither one dead device nor half of a service nor a whole one delays another.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from notifications import reasons
from notifications.channels.base import PushTransport
from notifications.channels.registry import device_channel, device_channels
from notifications.delivery import claims, pauses, push_messages, results
from notifications.delivery.claims import Busy
from notifications.delivery.pauses import Service
from notifications.delivery.push_health import Devices, Services
from notifications.delivery.push_messages import Parcel
from notifications.delivery.push_places import Place, Room
from notifications.delivery.results import Landed
from notifications.errors import ServiceRefuses, TransportError
from notifications.models import Delivery
from wfpush.concurrency.threads import in_database_thread
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

SOURCE = "push"
BATCH = 400
SUSPECTS = 64
"""Devices that failed last time of which messages are taken at once."""
AT_ONCE = 8
"""Messages of one device that are on their way at once."""
VISIT_EVERY = 1.0
"""Seconds after which suspects are tried while there is always something for others."""
LOOK = 0.1
"""Seconds after which what is due elsewhere is looked for, while a service has no room."""
PUT_BACK = timedelta(seconds=2)
"""How long what waits behind a message to the same device is left, while that one has no answer."""
NO_PLACE = timedelta(seconds=60)
"""The same for a suspect that has no place for long: the next of its service may try before it."""
PROBED_IN = timedelta(seconds=10)
"""How long messages wait while one of them tries a paused service."""
CLOSE_SECONDS = 2.0
RECORD_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What was claimed: how many rows, and the messages that are to be sent."""

    rows: int
    parcels: list[Parcel]


class Post:
    """Everything under way in one dispatcher process."""

    def __init__(self) -> None:
        self._flying: set[asyncio.Task[None]] = set()
        self._landed: list[tuple[Landed, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None
        self._visiting: asyncio.Task[None] | None = None
        self._visit_at = 0.0
        self._has_room, self._suspect_left = asyncio.Event(), asyncio.Event()
        self._rooms: defaultdict[Service, Room] = defaultdict(lambda: Room(self._has_room, self._suspect_left))
        self._devices = Devices()
        self._services = Services()
        self._paused: dict[Service, datetime] = {}
        self._probing: set[Service] = set()

    async def drain(self) -> None:
        """Take what is due until nothing is; what is under way goes on after that."""
        while True:
            full = [service for service, room in self._rooms.items() if room.is_full]
            taken, self._paused = await in_database_thread(_claim, Busy(full), timezone.now())
            await self._send_out(taken)
            if not taken.rows or asyncio.get_running_loop().time() >= self._visit_at:
                await self._visit_suspects()
            if not taken.rows and not full:
                return
            await self._have_room()

    async def _have_room(self) -> None:
        """Until no service is full; not for long, as others are not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                while any(room.is_full for room in self._rooms.values()):
                    self._has_room.clear()
                    await self._has_room.wait()

    async def _visit_suspects(self) -> None:
        """Suspects have rounds of their own: now, and whenever one of them has left."""
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
        while True:
            crowded = [service for service, room in self._rooms.items() if room.is_crowded]
            busy = Busy(crowded, self._devices.out())
            taken = await in_database_thread(_claim_suspects, busy, timezone.now())
            if not taken.rows:
                return
            await self._send_out(taken)

    async def landed(self) -> None:
        """Until nothing is under way, and all of it is written down."""
        while self._flying:
            await asyncio.wait(self._flying)

    async def close(self) -> None:
        """Let what is under way land for a moment, write it down, and give back the connections."""
        if self._flying:
            await asyncio.wait(self._flying, timeout=CLOSE_SECONDS)
        if self._visiting is not None:
            self._visiting.cancel()
        for task in list(self._flying):
            task.cancel()
        if self._recording is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._recording
        for channel in device_channels():
            await channel.transport.close()

    # --- sending ---------------------------------------------------------------------------------
    async def _send_out(self, taken: Taken) -> None:
        """All at once, but for those of one device. Returns when each is on its way, or in a queue."""
        of_devices: defaultdict[UUID, list[Parcel]] = defaultdict(list)
        for parcel in taken.parcels:
            of_devices[parcel.device].append(parcel)
        for own in of_devices.values():
            self._start(self._fly(own[0]) if len(own) == 1 else self._fly_in_turn(own))
        await asyncio.sleep(0)

    def _start(self, flight: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(flight)
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)
        return task

    async def _fly_in_turn(self, parcels: list[Parcel]) -> None:
        """Messages for one device: some at once. Where the first do not arrive the others wait for them to be tried
        again; of a suspect the one that was tried most often goes first."""
        waiting = sorted(parcels, key=lambda each: -each.row.attempts)
        while waiting:
            suspect = self._devices.is_suspect(waiting[0])
            some, waiting = (waiting[:1], waiting[1:]) if suspect else (waiting[:AT_ONCE], waiting[AT_ONCE:])
            flights = [self._start(self._fly(each)) for each in some]
            if not await self._arrive(flights, some[0]):
                again_at = results.next_for(some[0].row, timezone.now())
                await asyncio.gather(*(self._fly(each, again_at) for each in waiting), *flights)
                return

    async def _arrive(self, flights: list["asyncio.Task[None]"], parcel: Parcel) -> bool:
        """Whether all of them have landed, and the device takes more; False as soon as it is seen to hang."""
        left = set(flights)
        while left:
            _, left = await asyncio.wait(left, timeout=LOOK)
            if left and self._devices.hangs(parcel.device):
                return False
        return not self._devices.is_suspect(parcel)

    async def _fly(self, parcel: Parcel, again_at: datetime | None = None) -> None:
        """Send it, or leave it until `again_at`."""
        try:
            transport = device_channel(parcel.channel).transport
            service = (parcel.channel, transport.service_of(parcel.address))
            left = Landed(parcel, service, again_at=again_at) if again_at is not None else None
            untried = left or await self._in_room(transport, service, parcel)
        except Exception as fault:  # a transport's own mistake must not stop the others
            log.exception("push_transport_failed", channel=parcel.channel)
            untried = Landed(parcel, (parcel.channel, ""), fault=TransportError(reasons.crashed(fault)))
        if untried is not None:
            await self._written(untried)

    async def _in_room(self, transport: PushTransport, service: Service, parcel: Parcel) -> Landed | None:
        """Send it, and keep its place until that is written down. Returns what could not be tried."""
        room = self._rooms[service]
        if self._devices.is_suspect(parcel):
            return await self._as_suspect(room, transport, service, parcel)
        async with room.place() as place:
            if not self._devices.is_suspect(parcel):
                return await self._in_place(place, transport, service, parcel)
        return await self._as_suspect(room, transport, service, parcel)  # it has become one meanwhile

    async def _as_suspect(
        self, room: Room, transport: PushTransport, service: Service, parcel: Parcel
    ) -> Landed | None:
        """One message tries whether the device works again, where there is a place for it."""
        device = parcel.device
        if room.is_crowded and not self._devices.is_out(device):
            return Landed(parcel, service, again_at=timezone.now() + NO_PLACE)
        if not self._devices.is_out(device):
            async with room.suspects_place():
                if not self._devices.is_out(device):
                    return await self._in_place(None, transport, service, parcel)
        return Landed(parcel, service, again_at=timezone.now() + PUT_BACK)

    async def _in_place(
        self, place: Place | None, transport: PushTransport, service: Service, parcel: Parcel
    ) -> Landed | None:
        untried = self._held_up(service, parcel, timezone.now())
        if untried is not None:
            return untried
        probes = service in self._paused
        if probes:
            self._probing.add(service)
        try:
            sent = await self._send(transport, service, parcel)
            if place is not None:
                place.answered()
            await self._written(sent)
        finally:
            if probes:
                self._probing.discard(service)
        return None

    def _held_up(self, service: Service, parcel: Parcel, now: datetime) -> Landed | None:
        """Why this message may not go out now, if so."""
        until = self._paused.get(service)
        if until is not None and (until > now or service in self._probing):
            return Landed(parcel, service, again_at=max(until, now + PROBED_IN), paused=True)
        is_over = parcel.over_at is not None and parcel.over_at <= now
        if (
            is_over or parcel.lease_left(now) < push_messages.TAKES
        ):  # it has waited long, and may soon be somebody else's
            return Landed(parcel, service, again_at=now)
        return None

    async def _send(self, transport: PushTransport, service: Service, parcel: Parcel) -> Landed:
        probes, began, device = service in self._paused, asyncio.get_running_loop().time(), parcel.device
        self._devices.began(device)
        failed = True
        try:
            await transport.send(parcel.address, parcel.message_at(timezone.now()))
            failed = False
        except TransportError as fault:
            return replace(self._failed(service, parcel, fault, began), probed=probes)
        finally:
            self._devices.ended(device, failed=failed)
        if probes:
            self._paused.pop(service, None)
        return Landed(parcel, service, works_again=self._services.took(service), probed=probes)

    def _failed(self, service: Service, parcel: Parcel, fault: TransportError, began: float) -> Landed:
        works_again = False
        if fault.permanent or fault.busy or isinstance(fault, ServiceRefuses):
            works_again = self._services.answered(service)
        else:
            self._services.failed(service, parcel.device, began)
        if isinstance(fault, ServiceRefuses) and isinstance(parcel.row, Delivery):  # others are people's own doing
            self._services.refused(service, parcel.row.recipient_id)
        refused = self._services.refusals(service)
        return Landed(parcel, service, fault=fault, works_again=works_again, refused=refused)

    # --- writing down ----------------------------------------------------------------------------
    async def _written(self, landed: Landed) -> None:
        """Until it is written down, with all else that has landed meanwhile."""
        written = asyncio.get_running_loop().create_future()
        self._landed.append((landed, written))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record())
        await written

    async def _record(self) -> None:
        """Write what has landed, all of it at once, until nothing is left. What the database does not take is kept."""
        while self._landed:
            batch, self._landed = self._landed, []
            try:
                self._paused |= await in_database_thread(results.write, [landed for landed, _ in batch], timezone.now())
            except (OperationalError, InterfaceError) as fault:  # leases cover what is lost with this process
                log.error("push_outcomes_not_recorded", count=len(batch), fault=repr(fault))
                self._landed = batch + self._landed
                await asyncio.sleep(RECORD_AGAIN)
                continue
            except Exception:  # one of them cannot be written, and must not keep the others
                log.exception("push_outcomes_not_recorded", count=len(batch))
                await self._write_singly([landed for landed, _ in batch])
            for _, written in batch:
                if not written.cancelled():
                    written.set_result(None)

    async def _write_singly(self, batch: Sequence[Landed]) -> None:
        for landed in batch:
            try:
                self._paused |= await in_database_thread(results.write, [landed], timezone.now())
            except Exception:  # its lease ends, and it is tried again
                log.exception("push_outcome_not_recorded", row=str(landed.parcel.row.pk))


def _claim(busy: Busy, now: datetime) -> tuple[Taken, dict[Service, datetime]]:
    """What is due for devices that work, test messages, and farewells; and which services are paused."""
    tests, leaving = claims.trials(BATCH, now), claims.leave_takings(BATCH, now)
    rows = claims.for_all(BATCH, busy, now)
    made = (
        push_messages.trials(tests, now) + push_messages.leave_takings(leaving, now) + push_messages.prepared(rows, now)
    )
    return Taken(len(tests) + len(leaving) + len(rows), made), pauses.known()


def _claim_suspects(busy: Busy, now: datetime) -> Taken:
    rows = claims.for_suspects(SUSPECTS, BATCH, busy, now)
    return Taken(len(rows), push_messages.prepared(rows, now))


_post: Post | None = None


async def drain() -> None:
    """Made on first use: it belongs to the dispatcher's event loop."""
    global _post
    if _post is None:
        _post = Post()
    await _post.drain()


async def landed() -> None:
    """Until what has been taken is sent, or has failed, and is written down."""
    if _post is not None:
        await _post.landed()


async def close() -> None:
    global _post
    if _post is not None:
        await _post.close()
        _post = None


SOURCES = (outbox.Source(SOURCE, "dispatcher", claims.has_due, drain, close),)
