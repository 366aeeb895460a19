"""Calls to engines that are under way, and the connections that they share: kept between drains of due work."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Q, QuerySet

from notifications.connectors.access import EngineClient
from notifications.connectors.base import Result
from notifications.reasons import with_text
from wfpush.concurrency.keyed_limits import Places
from wfpush.net.breaker import Breaker
from wfpush.net.http import Outbound
from wfpush.observability import service_watch, services
from wfpush.queue import outbox

CLOSE_SECONDS = 2.0
RETRY = outbox.Backoff()
WHILE_DOWN = outbox.Backoff(most=timedelta(seconds=30))
"""Pauses for a receiver that is down: once it is back, it gets all that waits within a minute."""
FAILURES, PAUSE, LONGEST_PAUSE = 3, 5.0, 30.0
"""Failed calls in a row after which a receiver is paused; the first pause in seconds, doubled up to the longest."""
LONGEST_WAIT = WHILE_DOWN.most * (1 + WHILE_DOWN.jitter)
"""The longest usual pause between tries of a receiver that is down."""
TRIED = Q(attempts__gt=0) & (Q(last_status=None) | ~Q(last_status__in=(429, 503)))
"""Rows that may be tried sooner than planned. With 429 and 503 a receiver may say when to call again."""
TAKEN = ("done", "handled", "refused")
"""Outcomes of calls that the receiver has answered for good."""

Job = TypeVar("Job")


class EngineCalls(Generic[Job]):
    """Calls of one source of due work. `places` makes the limits for the calls, `outbound` the connections; both are
    made again after `close`.

    Each engine has places of its own, so a slow engine does not hold up others.
    """

    def __init__(self, places: Callable[[], Places[int, Job]], outbound: Callable[[], Outbound]) -> None:
        self._new_places, self._outbound = places, outbound
        self._line: EngineClient | None = None
        self.places = places()

    def open(self) -> EngineClient:
        if self._line is None:
            self._line = EngineClient(self._outbound())
        return self._line

    async def drain(self) -> None:
        """Begin due work."""
        await self.places.drain()

    async def drained(self) -> None:
        """Return when nothing is due and nothing is running."""
        await self.places.drained()

    async def close(self) -> None:
        """Give running calls a moment to end."""
        await self.places.close(CLOSE_SECONDS)
        if self._line is not None:
            await self._line.close()
        self._line, self.places = None, self._new_places()


def new_breaker() -> Breaker:
    """Return a circuit breaker, keyed by the receiver's name. Used in the database thread only."""
    return Breaker(failures=FAILURES, pause=PAUSE, most=LONGEST_PAUSE)


class PausingCalls(EngineCalls[Job]):
    """Calls that leave a receiver alone for a while after it has failed. Hosts have no limit of their own: two
    receivers may share one, and each has its places."""

    def __init__(self, places: Callable[[], Places[int, Job]], outbound: Callable[[], Outbound]) -> None:
        super().__init__(places, outbound)
        self.breaker = new_breaker()

    async def close(self) -> None:
        await super().close()
        self.breaker = new_breaker()

    def works_again(self, receiver: str, result: Result) -> bool:
        """Count the result for the receiver's pauses. Return whether it has answered after a pause."""
        if result.silent:
            self.breaker.unknown(receiver)
        elif result.down:
            self.breaker.failed(receiver)
        else:
            return self.breaker.succeeded(receiver)
        return False


def watch(service: services.Service, result: Result, *, party: Hashable, seconds: float) -> None:
    """Count the call for the state of its service, unless the service was not asked."""
    if result.outcome in TAKEN:
        service_watch.watch.took(service, seconds)
    elif not result.silent:
        state = services.AWAY if result.down else services.REFUSES
        service_watch.watch.failed(service, state, with_text(result.reason), party=party, seconds=seconds)


def next_try(attempts: int, since: datetime, now: datetime, result: Result) -> datetime | None:
    """Return the time of the next try after a call that was not taken; None: give up."""
    backoff = WHILE_DOWN if result.down else RETRY
    return backoff.next_at(attempts, since, now, result.retry_after)


def retry_soon(rows: QuerySet[Any], now: datetime) -> None:
    """Send failed rows of a receiver at once, unless it has asked for more than a usual pause. The time at which they
    are given up stays the same."""
    asked_to_wait = Q(last_status=429) | Q(last_status=503, due_at__gt=now + LONGEST_WAIT)
    waiting = rows.filter(attempts__gt=0, due_at__gt=now, lease_token=None)
    waiting = waiting.exclude(Q(last_status__isnull=False) & asked_to_wait)
    outbox.bring_forward(rows.model._default_manager.filter(pk__in=waiting.values("pk")), now)
