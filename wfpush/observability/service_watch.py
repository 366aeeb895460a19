"""The results of calls that one process has made to services, and the states that follow from them.

Results of calls are counted in memory. The dispatcher's source `services` writes changes every LOOK_SECONDS, and reads
the states that other processes have written: a call that succeeds ends a state whichever process has written it.
"""

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from wfpush.concurrency.threads import in_database_thread
from wfpush.models import ServiceState
from wfpush.observability import services
from wfpush.observability.services import AWAY, REFUSES, SLOW, Service
from wfpush.queue import outbox

SOURCE_NAME = "services"
LASTS = 10.0
"""Seconds from the first call that failed to the state. Shorter faults are not reported."""
FAULTS, PARTIES = 2, 3
"""The failed calls in a row that make a service away, and the number of different devices, if it has as many."""
REFUSED, REFUSED_FOR = 3, 30.0
"""The number of refused calls that are to be repeated, and the seconds that they last, that make a service one that
refuses. So many refused PARTIES do, too."""
SLOW_SECONDS, SLOW_CALLS = 5.0, 3
"""Seconds that a slow call takes, and the number of slow calls in a row that make a service slow."""
FORGET_SECONDS = 1200.0
"""Seconds after which a fault is no longer counted with the next: longer than pauses between tries."""
LATE = 8.0
"""Seconds of delay of this process from which its calls do not count as slow: the process is, not the service."""


@dataclass(slots=True)
class _Faults:
    """Calls in a row that have failed. `to_be_repeated`: the number of calls that are not given up."""

    began: float
    last: float = 0.0
    count: int = 0
    to_be_repeated: int = 0
    parties: set[Hashable] = field(default_factory=set)
    state: str = AWAY
    reason: Mapping[str, Any] = field(default_factory=dict)
    is_new: bool = True

    def shows_state(self, now: float, parties: int) -> bool:
        """Return whether the faults last, and are not those of one party alone. `parties`: the number of parties."""
        lasts, several = now - self.began, len(self.parties) >= min(PARTIES, parties)
        if lasts < LASTS or not several:
            return False
        if self.state == AWAY:
            return self.count >= FAULTS
        return len(self.parties) >= PARTIES or (self.to_be_repeated >= REFUSED and lasts >= REFUSED_FOR)


@dataclass(slots=True)
class _Slow:
    """Calls in a row that have succeeded slowly."""

    began: float
    last: float = 0.0
    count: int = 0
    is_new: bool = True


NO_REASON: Mapping[str, Any] = {"reason": "", "reason_fact": None}


class Watch:
    """The results of this process's calls. `took` and `failed` may be called by any thread, `look` by one at a time,
    which may use the database."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[Service, _Faults] = {}
        self._slow: dict[Service, _Slow] = {}
        self._states: dict[Service, str] = {}
        self._worked: dict[Service, float] = {}
        self._looked_at = clock()

    def took(self, service: Service, seconds: float) -> None:
        """Count a call that succeeded after so many seconds."""
        now, is_slow = self._clock(), seconds > SLOW_SECONDS
        with self._lock:
            self._faults.pop(service, None)
            if is_slow:
                calls = self._slow.setdefault(service, _Slow(now - seconds))
                calls.last, calls.count, calls.is_new = now, calls.count + 1, True
            else:
                self._slow.pop(service, None)
            state = self._states.get(service)
            if state is not None and not (is_slow and state == SLOW):
                self._worked[service] = now - seconds

    def failed(
        self,
        service: Service,
        state: str,
        reason: Mapping[str, Any],
        *,
        party: Hashable,
        seconds: float,
        for_good: bool = False,
    ) -> None:
        """Count a call, begun so many seconds ago, to a service that is AWAY or REFUSES it. `party`: the device,
        address or task. `for_good`: the call is not repeated."""
        now = self._clock()
        with self._lock:
            faults = self._faults.get(service)
            if faults is None or now - faults.last > FORGET_SECONDS:
                faults = self._faults[service] = _Faults(now - seconds)
            faults.last, faults.state, faults.reason, faults.is_new = now, state, reason, True
            faults.count += 1
            faults.to_be_repeated += not for_good
            if len(faults.parties) < PARTIES:
                faults.parties.add(party)

    def look(self, now: datetime) -> None:
        """Write changed states, read those of other processes, and make rows due that try services."""
        at = self._clock()
        rows = list(ServiceState.objects.all())
        states: dict[Service, str] = {(row.kind, row.name): row.state for row in rows}
        worked, failing, slow = self._news(states, at)
        for service, called in worked.items():
            services.report_works(service, now, now - timedelta(seconds=at - called))
        kinds = services.kinds() if failing or slow else {}
        for service, faults in failing.items():
            is_told = states.get(service) in (AWAY, REFUSES)
            if service[0] in kinds and (is_told or faults.shows_state(at, kinds[service[0]].parties(service[1]))):
                self._report(service, faults.state, faults.reason, faults, at, now)
        for service, calls in slow.items():
            if service[0] in kinds and states.get(service, SLOW) == SLOW:
                self._report(service, SLOW, NO_REASON, calls, at, now)
        for row in rows:
            services.forget_or_try(row, now)

    def _news(
        self, states: dict[Service, str], at: float
    ) -> tuple[dict[Service, float], dict[Service, _Faults], dict[Service, _Slow]]:
        """Return the calls to report since the last look: working, failing and slow services. Counts of services that
        other processes have found to work start again."""
        with self._lock:
            ended = self._states.keys() - states.keys()
            self._faults = {
                service: faults
                for service, faults in self._faults.items()
                if service not in ended and at - faults.last <= FORGET_SECONDS
            }
            self._slow = {service: calls for service, calls in self._slow.items() if service not in ended}
            if at - self._looked_at > LATE:
                self._slow.clear()
            self._states, self._looked_at = states, at
            worked, self._worked = self._worked, {}
            failing = {service: faults for service, faults in self._faults.items() if faults.is_new}
            slow = {
                service: calls for service, calls in self._slow.items() if calls.is_new and calls.count >= SLOW_CALLS
            }
        return worked, failing, slow

    def _report(
        self,
        service: Service,
        state: str,
        reason: Mapping[str, Any],
        calls: "_Faults | _Slow",
        at: float,
        now: datetime,
    ) -> None:
        with self._lock:
            began, last, calls.is_new = calls.began, calls.last, False
            self._states[service] = state
        seen_at, since = (now - timedelta(seconds=at - moment) for moment in (last, began))
        services.report(service, state, reason, seen_at, since=since)


watch = Watch()
"""The watch of this process."""


async def _look() -> None:
    await in_database_thread(lambda: watch.look(timezone.now()))


SOURCES = (outbox.Source(SOURCE_NAME, "dispatcher", services.has_to_be_tried, _look),)
