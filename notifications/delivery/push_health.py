"""What one dispatcher process has seen lately of devices and of push services: who fails, who works."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from notifications.delivery.pauses import Service
from notifications.delivery.push_messages import Parcel

log = structlog.get_logger(__name__)

HANGS = 2.0
"""Seconds without an answer after which a device gets no second message beside the first."""
REMEMBERED = 60.0
"""Seconds. Rows that were claimed before are no longer in memory: those claimed later know from the database."""
SEVERAL = 5
DOWN_AFTER = 60.0
"""A service is down when so many different devices have failed for so many seconds, and none was answered."""
JUST_WORKED = 60.0
"""Seconds for which a service that took a message is not paused because it refuses another."""


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class _Seen:
    at: float
    failed: bool


class Devices:
    """Which devices are suspect: they failed last time, or hang."""

    def __init__(self) -> None:
        self._seen: dict[UUID, _Seen] = {}
        self._since: dict[UUID, float] = {}
        self._out: Counter[UUID] = Counter()

    def began(self, device: UUID) -> None:
        self._out[device] += 1
        self._since.setdefault(device, _now())

    def ended(self, device: UUID, *, failed: bool) -> None:
        self._out[device] -= 1
        self._since[device] = _now()
        if self._out[device] <= 0:
            del self._out[device], self._since[device]
        self._seen[device] = _Seen(_now(), failed)

    def is_suspect(self, parcel: Parcel) -> bool:
        """Whether its device is: lately in this process; before, as it was when the row was claimed."""
        if self.hangs(parcel.device):
            return True
        seen = self._seen.get(parcel.device)
        return seen.failed if seen is not None else parcel.failed_before

    def hangs(self, device: UUID) -> bool:
        since = self._since.get(device)
        return since is not None and _now() - since > HANGS

    def is_out(self, device: UUID) -> bool:
        """A message is on its way there."""
        return device in self._out

    def out(self) -> list[UUID]:
        return list(self._out)

    def forget(self) -> None:
        """What the database knows by now."""
        before = _now() - REMEMBERED
        self._seen = {device: seen for device, seen in self._seen.items() if seen.at > before}


@dataclass(slots=True)
class _Known:
    answered: float = float("-inf")
    took: float = float("-inf")
    failing: dict[UUID, float] = field(default_factory=dict)
    is_down: bool = False
    refused: set[int] = field(default_factory=set)


class Services:
    """Which services are down, and whom they have refused since they last took a message."""

    def __init__(self, now: Callable[[], float] = _now) -> None:
        self._now = now
        self._known: dict[Service, _Known] = {}

    def took(self, service: Service) -> bool:
        """It has a message. True: it was down."""
        known = self._of(service)
        known.took = self._now()
        known.refused.clear()
        return self.answered(service)

    def answered(self, service: Service) -> bool:
        """It works, whatever it said of the message. True: it was down."""
        known = self._of(service)
        was_down, known.is_down, known.answered = known.is_down, False, self._now()
        known.failing.clear()
        if was_down:
            log.info("push_service_works_again", channel=service[0], service=service[1])
        return was_down

    def failed(self, service: Service, device: UUID, began: float) -> None:
        """It did not answer, or said that it is broken, about a message that was sent at `began`.

        One device counts once, however often it is tried; what was sent before somebody was answered does not count.
        """
        known = self._of(service)
        if began <= known.answered:
            return
        known.failing.setdefault(device, self._now())
        lasts = self._now() - min(known.failing.values())
        if len(known.failing) >= SEVERAL and lasts >= DOWN_AFTER and not known.is_down:
            known.is_down = True
            log.error("push_service_down", channel=service[0], service=service[1], devices=len(known.failing))

    def refused(self, service: Service, person: int) -> None:
        self._of(service).refused.add(person)

    def refusals(self, service: Service) -> frozenset[int]:
        """People whose messages it has refused since it last took one; none while that is a moment ago."""
        known = self._of(service)
        return frozenset() if self._now() - known.took < JUST_WORKED else frozenset(known.refused)

    def _of(self, service: Service) -> _Known:
        return self._known.setdefault(service, _Known())
