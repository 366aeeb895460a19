"""The recent failures and successes of devices and services, as one dispatcher process has seen them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from uuid import UUID

from notifications.delivery.attempts import DeviceAttempt, Service

HANGS = 2.0
"""Seconds without an answer after which a device gets no second message at the same time."""
FORGET_SECONDS = 60.0
"""Seconds after which results are forgotten: rows claimed later have them from the database."""
DOWN_PARTIES = 5
DOWN_AFTER = 60.0
"""A service is down when messages to this number of devices or addresses have failed for this number of seconds, and
none was answered."""
ALONE_FIRST, ALONE_MOST = 5.0, 30.0
"""Seconds between two messages that try a service which is down and has no suspects: the first pause, and the
longest."""
LATER_SECONDS = 300.0
"""Seconds for which further messages wait that are claimed during a pause, unless the service works again before."""
JUST_WORKED = 60.0
"""Seconds for which a service that took a message is not paused for refusing another."""


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class _LastResult:
    at: float
    failed: bool


class Devices:
    """The devices' state. A device is a suspect if it failed last time, or hangs."""

    def __init__(self) -> None:
        self._seen: dict[UUID, _LastResult] = {}
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
        self._seen[device] = _LastResult(_now(), failed)

    def is_suspect(self, attempt: DeviceAttempt) -> bool:
        """Return whether the device is a suspect by its last result in this process, or else by its state at the
        claim."""
        if self.hangs(attempt.device):
            return True
        seen = self._seen.get(attempt.device)
        return seen.failed if seen is not None else attempt.failed_before

    def hangs(self, device: UUID) -> bool:
        since = self._since.get(device)
        return since is not None and _now() - since > HANGS

    def is_out(self, device: UUID) -> bool:
        """Return whether a message to the device is in flight."""
        return device in self._out

    def out(self) -> list[UUID]:
        return list(self._out)

    def forget(self) -> None:
        """Forget results that the database has by now."""
        before = _now() - FORGET_SECONDS
        self._seen = {device: seen for device, seen in self._seen.items() if seen.at > before}


@dataclass(slots=True)
class _State:
    answered: float = float("-inf")
    took: float = float("-inf")
    failing: dict[Hashable, float] = field(default_factory=dict)
    is_down: bool = False
    alone: float = 0.0
    alone_until: float = 0.0
    is_next_chosen: bool = False
    refused: set[int] = field(default_factory=set)


class Services:
    """The services that are down, and the people whom each service has refused since it last took a message."""

    def __init__(self, now: Callable[[], float] = _now) -> None:
        self.now = now
        self._states: dict[Service, _State] = {}

    def took(self, service: Service) -> bool:
        """Note that the service took a message. Return whether it was down."""
        state = self._of(service)
        state.took = self.now()
        state.refused.clear()
        return self.answered(service)

    def answered(self, service: Service) -> bool:
        """Note that the service works: any answer counts. Return whether it was down."""
        state = self._of(service)
        was_down, state.is_down, state.answered = state.is_down, False, self.now()
        state.failing.clear()
        return was_down

    def failed(self, service: Service, party: Hashable, began: float) -> None:
        """Note that the service did not answer, or is broken, for a message to this device or address, sent at `began`.

        Each device or address counts once, however often it is tried. Messages sent before the last answer do not
        count.
        """
        state = self._of(service)
        if began <= state.answered:
            return
        state.failing.setdefault(party, self.now())
        lasts = self.now() - min(state.failing.values())
        if len(state.failing) >= DOWN_PARTIES and lasts >= DOWN_AFTER and not state.is_down:
            state.is_down, state.is_next_chosen = True, False
            state.alone, state.alone_until = ALONE_FIRST, self.now() + ALONE_FIRST

    def wait(self, service: Service) -> float:
        """Return the seconds for which the service is not called; 0.0: send. After the pause one caller gets 0.0 and
        tries it; if it is not answered, the pause doubles. Of the callers during a pause, one comes again at its end,
        and the others much later, because each of them costs a claim."""
        state = self._of(service)
        if not state.is_down:
            return 0.0
        if self.now() < state.alone_until:
            is_next, state.is_next_chosen = not state.is_next_chosen, True
            return state.alone_until - self.now() if is_next else LATER_SECONDS
        state.alone = min(2 * state.alone, ALONE_MOST)
        state.alone_until, state.is_next_chosen = self.now() + state.alone, False
        return 0.0

    def refused(self, service: Service, person: int) -> None:
        self._of(service).refused.add(person)

    def refusals(self, service: Service) -> frozenset[int]:
        """Return the people whose messages it has refused since it last took one; empty if it took one a moment ago."""
        state = self._of(service)
        return frozenset() if self.now() - state.took < JUST_WORKED else frozenset(state.refused)

    def _of(self, service: Service) -> _State:
        return self._states.setdefault(service, _State())
