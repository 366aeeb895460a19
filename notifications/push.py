"""The push dispatcher: sends what is due to browsers and phones, many at once, and writes down what came of it in bulk.

Each push service has room of its own, a breaker, and may be paused: neither one dead device nor one dead service delays
another.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from notifications import landing, parcels, pauses
from notifications.errors import ServiceRefuses, TransportError
from notifications.landing import Landed
from notifications.models import Device, DeviceChannel
from notifications.parcels import Parcel
from notifications.pauses import Service
from notifications.transports import transport_for
from notifications.transports.base import PushTransport, reaches_devices
from wfpush import outbox
from wfpush.breaker import Breaker
from wfpush.threads import in_database_thread

log = structlog.get_logger(__name__)

SOURCE = "push"
BATCH = 400
IN_FLIGHT = 1_000
"""Messages that are sent, or wait for room, at once."""
ROOM = 128
"""Messages on their way to one push service at once, and not yet written down: what a crash may send twice."""
ENOUGH = 300
"""With more messages than this to send no others are taken, while they move."""
STUCK = 1.0
"""Seconds without any moving."""
QUEUE = 700
"""Messages that may wait for room at one push service; more are put back, and make way for others."""
PUT_BACK = timedelta(seconds=1)
JUST_WORKED = 60.0
"""Seconds for which a service that took a message is not paused because it refuses another."""
PROBED_IN = timedelta(seconds=10)
"""How long messages wait while one of them tries a paused service."""
CLOSE_SECONDS = 2.0
RECORD_AGAIN = 1.0


class Post:
    """Everything under way in one dispatcher process."""

    def __init__(self) -> None:
        self._flying: set[asyncio.Task[None]] = set()
        self._landed: list[tuple[Landed, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None
        self._rooms: defaultdict[Service, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(ROOM))
        self._queued: defaultdict[Service, int] = defaultdict(int)
        self._breaker = Breaker()
        self._paused: dict[Service, datetime] = {}
        self._probing: set[Service] = set()
        self._worked: dict[Service, float] = {}
        self._refused: defaultdict[Service, set[int]] = defaultdict(set)

    async def drain(self) -> None:
        """Take what is due until nothing is; what is under way goes on after that."""
        while True:
            await self._have_space()
            claimed, self._paused = await in_database_thread(_claim, timezone.now())
            if not claimed.rows:
                return
            for parcel in claimed.parcels:
                task = asyncio.create_task(self._fly(parcel))
                self._flying.add(task)
                task.add_done_callback(self._flying.discard)

    async def _have_space(self) -> None:
        """Until there is little left to send; not for long where what is left does not move, and others may."""
        while len(self._flying) > ENOUGH:
            done, _ = await asyncio.wait(self._flying, timeout=STUCK, return_when=asyncio.FIRST_COMPLETED)
            if not done and len(self._flying) <= IN_FLIGHT - BATCH:
                return

    async def landed(self) -> None:
        """Until nothing is under way, and all of it is written down."""
        while self._flying:
            await asyncio.wait(self._flying)

    async def close(self) -> None:
        """Let what is under way land for a moment, write it down, and give back the connections."""
        if self._flying:
            await asyncio.wait(self._flying, timeout=CLOSE_SECONDS)
        for task in list(self._flying):
            task.cancel()
        if self._recording is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._recording
        for transport in map(transport_for, DeviceChannel.values):
            if transport is not None and reaches_devices(transport):
                await transport.close()

    # --- sending ---------------------------------------------------------------------------------
    async def _fly(self, parcel: Parcel) -> None:
        transport = transport_for(parcel.channel)
        assert transport is not None and reaches_devices(transport)
        try:
            service = (parcel.channel, transport.service_of(parcel.address))
            untried = await self._in_room(transport, service, parcel)
        except Exception as fault:  # a transport's own mistake must not stop the others
            log.exception("push_transport_failed", channel=parcel.channel)
            untried = Landed(parcel, (parcel.channel, ""), fault=TransportError(f"{type(fault).__name__}: {fault}"))
        if untried is not None:
            await self._written(untried)

    async def _in_room(self, transport: PushTransport, service: Service, parcel: Parcel) -> Landed | None:
        """Send it, and keep its room until that is written down. Returns what could not be tried."""
        if self._queued[service] >= QUEUE:
            return Landed(parcel, service, again_at=timezone.now() + PUT_BACK)
        with self._queueing(service):
            async with self._rooms[service]:
                untried = self._held_up(service, parcel, timezone.now())
                if untried is None:
                    await self._written(await self._send(transport, service, parcel))
                return untried

    def _held_up(self, service: Service, parcel: Parcel, now: datetime) -> Landed | None:
        """Why this message may not go out now, if so."""
        until = self._paused.get(service)
        if until is not None and (until > now or service in self._probing):
            return Landed(parcel, service, again_at=max(until, now + PROBED_IN), paused=True)
        wait = self._breaker.wait(service[1])
        if wait > 0:
            return Landed(parcel, service, again_at=now + timedelta(seconds=wait))
        if parcel.lease_left(now) < parcels.TAKES:  # it has waited long, and may soon be somebody else's
            return Landed(parcel, service, again_at=now)
        return None

    @contextmanager
    def _queueing(self, service: Service) -> Iterator[None]:
        self._queued[service] += 1
        try:
            yield
        finally:
            self._queued[service] -= 1

    async def _send(self, transport: PushTransport, service: Service, parcel: Parcel) -> Landed:
        probes = service in self._paused
        if probes:
            self._probing.add(service)
        try:
            await transport.send(parcel.address, parcel.message)
        except TransportError as fault:
            return self._failed(service, parcel, fault)
        finally:
            self._probing.discard(service)
        self._worked[service] = time.monotonic()
        self._refused.pop(service, None)
        self._breaker.succeeded(service[1])
        if probes:
            self._paused.pop(service, None)
        return Landed(parcel, service, works_again=probes)

    def _failed(self, service: Service, parcel: Parcel, fault: TransportError) -> Landed:
        if fault.permanent or fault.busy or isinstance(fault, ServiceRefuses):
            self._breaker.succeeded(service[1])  # it answers
        else:
            self._breaker.failed(service[1])
        people = self._refused[service]
        if isinstance(fault, ServiceRefuses) and not isinstance(parcel.row, Device):  # tests are people's own doing
            people.add(parcel.row.recipient_id)
        just_worked = time.monotonic() - self._worked.get(service, -JUST_WORKED) < JUST_WORKED
        return Landed(parcel, service, fault=fault, refused=0 if just_worked else len(people))

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
                self._paused |= await in_database_thread(landing.write, [landed for landed, _ in batch], timezone.now())
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
                self._paused |= await in_database_thread(landing.write, [landed], timezone.now())
            except Exception:  # its lease ends, and it is tried again
                log.exception("push_outcome_not_recorded", row=str(landed.parcel.row.pk))


def _claim(now: datetime) -> tuple[parcels.Claimed, dict[Service, datetime]]:
    return parcels.claim(BATCH, now), pauses.known()


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


SOURCES = (outbox.Source(SOURCE, "dispatcher", parcels.has_due, drain, close),)
