"""How one attempt of any channel is sent: not while its service is left alone, and its result is written down."""

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from notifications import reasons
from notifications.delivery import pauses
from notifications.delivery.attempts import Attempt, DeviceAttempt, Result, Service
from notifications.delivery.health import Services
from notifications.delivery.recorder import Recorder
from notifications.errors import ServiceRefuses, TransportError
from notifications.models import Delivery

log = structlog.get_logger(__name__)

TAKES = timedelta(seconds=22)
"""What two exchanges with a push service may take: an attempt with less of its lease left is not sent any more."""
PROBED_IN = timedelta(seconds=10)
"""How long messages wait while one of them tries a paused service."""

Transmission = Coroutine[None, None, Sequence[str]]
"""Hands a message to its service; returns the service's names for it, and raises TransportError."""


class Sender:
    """What one dispatcher process knows of the services it sends to. `known`: those that are paused, and until when, as
    of the last claim. Belongs to one event loop."""

    def __init__(self) -> None:
        self.known: dict[Service, datetime] = {}
        self._services = Services()
        self._probing: set[Service] = set()
        self._recorder = Recorder(lambda paused: self.known.update(paused))

    def held_up(self, attempt: Attempt, now: datetime) -> Result | None:
        """The result of an attempt that may not go out now; None: send it."""
        service = attempt.service
        until = self.known.get(service)
        if until is not None and (until > now or service in self._probing):
            again_at = max(until, now + PROBED_IN)
            return Result(attempt, again_at=again_at, reason=pauses.waiting_for(service[1]), hands_over=True)
        is_over = attempt.over_at is not None and attempt.over_at <= now
        if isinstance(attempt, DeviceAttempt):  # suspects try what is down; waiting for a place takes of the lease
            return Result(attempt, again_at=now) if is_over or attempt.lease_left(now) < TAKES else None
        if is_over:
            return Result(attempt, again_at=now)
        if wait := self._services.wait(service):
            return Result(attempt, again_at=now + timedelta(seconds=wait), reason=pauses.left_alone(service[1]))
        return None

    async def send(self, attempt: Attempt, transmission: Transmission) -> None:
        """Await the transmission. Returns when its result is written down."""
        service = attempt.service
        probes = service in self.known
        if probes:
            self._probing.add(service)
        try:
            result = await self._sent(attempt, transmission)
            if probes and result.fault is None:
                self.known.pop(service, None)
            await self.write(replace(result, probed=True) if probes else result)
        finally:
            if probes:
                self._probing.discard(service)

    async def write(self, result: Result) -> None:
        """Returns when it is written down."""
        await self._recorder.write(result)

    async def close(self, seconds: float) -> None:
        await self._recorder.close(seconds)

    async def _sent(self, attempt: Attempt, transmission: Transmission) -> Result:
        began = self._services.now()
        try:
            references = await transmission
        except TransportError as fault:
            return self._failed(attempt, fault, began)
        except Exception as fault:  # a transport's own mistake must not stop the others
            log.exception("transport_failed", channel=attempt.channel)
            return Result(attempt, fault=TransportError(reasons.crashed(fault)))
        return Result(attempt, works_again=self._services.took(attempt.service), references=references)

    def _failed(self, attempt: Attempt, fault: TransportError, began: float) -> Result:
        service, works_again = attempt.service, False
        if fault.works or isinstance(fault, ServiceRefuses):
            works_again = self._services.answered(service)
        else:
            self._services.failed(service, attempt.party, began)
        if isinstance(fault, ServiceRefuses) and isinstance(attempt.row, Delivery):  # others are people's own doing
            self._services.refused(service, attempt.row.recipient_id)
        refused = self._services.refusals(service)
        return Result(attempt, fault=fault, works_again=works_again, refused=refused)
