"""Sends one attempt of any channel, unless its service is paused or down, and has its result written."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import Model
from django.utils import timezone

from notifications import reasons
from notifications.delivery import results, service_pauses
from notifications.delivery.attempts import Attempt, DeviceAttempt, Result, Service
from notifications.delivery.circuit_breaker import Services
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.models import Delivery, Event
from wfpush.concurrency.threads import in_database_thread
from wfpush.net import trace_context
from wfpush.observability import service_watch, tracing
from wfpush.observability.spans import Span

log = structlog.get_logger(__name__)

RECORD_AGAIN = 1.0
"""Seconds after which writing is tried again when the database is away."""


class Recorder:
    """Writes results. It calls `paused` with services that are paused from now on. Belongs to one event loop."""

    def __init__(self, paused: Callable[[dict[Service, datetime]], None]) -> None:
        self._paused = paused
        self._waiting: list[tuple[Result, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None

    async def write(self, result: Result) -> None:
        """Return when the result is written, together with all others that wait."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((result, written))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record())
        await written

    async def close(self, seconds: float) -> None:
        """Finish writing within this number of seconds."""
        if self._recording is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._recording

    async def _record(self) -> None:
        """Write all waiting results together, until none are left. Results that the database does not take are kept."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                self._paused(await in_database_thread(results.write, [each for each, _ in batch], timezone.now()))
            except (OperationalError, InterfaceError) as fault:  # leases cover what is lost with this process
                log.error("results_not_recorded", count=len(batch), fault=repr(fault))
                self._waiting = batch + self._waiting
                await asyncio.sleep(RECORD_AGAIN)
                continue
            except Exception:  # one bad result must not hold up the others
                log.exception("results_not_recorded", count=len(batch))
                await self._write_singly([each for each, _ in batch])
            for _, written in batch:
                if not written.cancelled():
                    written.set_result(None)

    async def _write_singly(self, batch: Sequence[Result]) -> None:
        for result in batch:
            try:
                self._paused(await in_database_thread(results.write, [result], timezone.now()))
            except Exception:  # the row's lease ends, and the row is tried again
                log.exception("result_not_recorded", row=str(result.attempt.row.pk))


MAX_EXCHANGE_TIME = timedelta(seconds=22)
"""Seconds that two exchanges with a push service may take: an attempt whose lease ends sooner is not sent."""
PROBED_IN = timedelta(seconds=10)
"""Time for which messages wait while one of them tries a paused service."""

Transmission = Coroutine[None, None, Sequence[str]]
"""Hands a message to its service; returns the service's names for it. Raises TransportError."""


class Sender:
    """Sends attempts and watches the services, in one event loop. `paused_until`: the paused ones, as of the last
    claim."""

    def __init__(self) -> None:
        self.paused_until: dict[Service, datetime] = {}
        self._services = Services()
        self._probing: set[Service] = set()
        self._recorder = Recorder(lambda paused: self.paused_until.update(paused))

    def held_up(self, attempt: Attempt, now: datetime) -> Result | None:
        """Return the result of an attempt that may not be sent now, or None: send it."""
        service = attempt.service
        until = self.paused_until.get(service)
        if until is not None and (until > now or service in self._probing):
            again_at = max(until, now + PROBED_IN)
            return Result(attempt, again_at=again_at, reason=service_pauses.waiting_for(service[1]), hands_over=True)
        is_over = attempt.over_at is not None and attempt.over_at <= now
        if isinstance(attempt, DeviceAttempt):  # suspects try a service that is down; waiting for a place takes time
            return Result(attempt, again_at=now) if is_over or attempt.lease_left(now) < MAX_EXCHANGE_TIME else None
        if is_over:
            return Result(attempt, again_at=now)
        if wait := self._services.wait(service):
            return Result(attempt, again_at=now + timedelta(seconds=wait), reason=service_pauses.left_alone(service[1]))
        return None

    async def send(self, attempt: Attempt, transmission: Transmission) -> None:
        """Await the transmission. Return when its result is written."""
        service = attempt.service
        probes = service in self.paused_until
        if probes:
            self._probing.add(service)
        try:
            result = await self._sent(attempt, transmission)
            if probes and result.fault is None:
                self.paused_until.pop(service, None)
            await self.write(replace(result, probed=True) if probes else result)
        finally:
            if probes:
                self._probing.discard(service)

    async def write(self, result: Result) -> None:
        """Return when the result is written."""
        await self._recorder.write(result)

    async def close(self, seconds: float) -> None:
        await self._recorder.close(seconds)

    async def _sent(self, attempt: Attempt, transmission: Transmission) -> Result:
        began = self._services.now()
        try:
            with _span_of(attempt):
                references = await transmission
        except TransportError as fault:
            self._watch(attempt, fault, self._services.now() - began)
            return self._failed(attempt, fault, began)
        except Exception as fault:  # a mistake in a transport must not stop the others
            log.exception("transport_failed", channel=attempt.channel)
            return Result(attempt, fault=TransportError(reasons.crashed(fault)))
        service_watch.watch.took(attempt.service, self._services.now() - began)
        return Result(attempt, works_again=self._services.took(attempt.service), references=references)

    def _watch(self, attempt: Attempt, fault: TransportError, seconds: float) -> None:
        """Count the fault for the state of its service. A pause reports a service that refuses our credentials."""
        if isinstance(fault, RecipientGone):
            service_watch.watch.took(attempt.service, seconds)
        elif fault.service_state and not isinstance(fault, ServiceRefuses):
            reason, for_good = reasons.with_text(fault.reason), fault.permanent
            service_watch.watch.failed(
                attempt.service, fault.service_state, reason, party=attempt.party, seconds=seconds, for_good=for_good
            )

    def _failed(self, attempt: Attempt, fault: TransportError, began: float) -> Result:
        service, works_again = attempt.service, False
        if fault.works or isinstance(fault, ServiceRefuses):
            works_again = self._services.answered(service)
        else:
            self._services.failed(service, attempt.party, began)
        if isinstance(fault, ServiceRefuses) and isinstance(attempt.row, Delivery):  # not tests and farewells
            self._services.refused(service, attempt.row.recipient_id)
        refused = self._services.refusals(service)
        return Result(attempt, fault=fault, works_again=works_again, refused=refused)


def _span_of(attempt: Attempt) -> AbstractContextManager[Span]:
    """Make a span in the trace of the message's event. A digest is part of the traces of all its messages."""
    if not tracing.is_on():
        return tracing.NOTHING
    traces = [_traceparent_of(part.row) for part in attempt.parts or (attempt,)]
    attributes: dict[str, str | int] = {
        "messaging.system": attempt.channel,
        "messaging.destination.name": attempt.service[1],
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.message.id": str(attempt.row.pk),
        **({"messaging.batch.message_count": len(traces)} if attempt.parts else {}),
    }
    links = dict.fromkeys(trace for trace in traces[1:] if trace and trace != traces[0])
    return tracing.span(f"send {attempt.channel}", "producer", traces[0], attributes, list(links))


def _traceparent_of(row: Model) -> str:
    """Return the traceparent of a delivery's event, which was read with it; empty for tests and farewells."""
    event: Event | None = row._state.fields_cache.get("event")
    return trace_context.traceparent_of(event.extensions) if event is not None else ""
