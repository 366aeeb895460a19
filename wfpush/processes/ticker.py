"""Checks every source of due work about once a second, and wakes the processes that handle it.

Each worker has a ticker. Several at once do no harm: a wake-up that nobody has taken yet stands for all of them, and
rows are claimed once. So that the load does not grow with the workers, only the first ticker of each second checks, as
long as Redis answers.
"""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import close_old_connections, connection, connections
from django.utils import timezone

from wfpush.queue import outage, outbox
from wfpush.queue.schedules import ensure_schedules
from wfpush.redis.cooldown import redis_cooldown

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
CHECKED = "wfpush:checked"
"""Redis key that exists while a check of all sources stands for those of other tickers."""
CHECKED_MS = 900
"""Less than a second, so that a lone ticker hardly ever finds its own key of the second before."""


class Ticker:
    """Ticks in a thread of its own until `stop` is set. Goes on while the database or Redis is away."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._trouble = Trouble()
        self._scheduled = False

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                began = time.monotonic()
                self.tick()
                self._stop.wait(max(0.05, TICK_SECONDS - (time.monotonic() - began)))
        finally:
            connections.close_all()

    def tick(self) -> None:
        """Check every source, unless another ticker has done so within the last second."""
        close_old_connections()
        if not self._trouble.attempt("database", connection.ensure_connection):
            return  # a ticker that has a database may check
        if not self._scheduled:
            self._scheduled = self._trouble.attempt("schedules", ensure_schedules)
        if not _begin_check():
            return
        for source in outbox.sources():
            self._trouble.attempt(source.name, lambda source=source: _look(source))  # type: ignore[misc]


def _begin_check() -> bool:
    """Return whether no other ticker has begun a check within the last second; True while Redis does not answer."""
    if redis_cooldown:
        return True
    try:
        return bool(outbox.connection().set(CHECKED, 1, nx=True, px=CHECKED_MS))
    except outage.REDIS_AWAY as fault:
        redis_cooldown.after(fault)
        return True


def _look(source: outbox.Source) -> None:
    if source.has_due(timezone.now()):
        source.wake()


class Trouble:
    """Runs actions that may fail. Logs once when an action begins to fail, and once when it works again."""

    def __init__(self) -> None:
        self._failing: set[str] = set()

    def attempt(self, name: str, action: Callable[[], object]) -> bool:
        """Return whether `action` raised nothing. No failure of one source may stop the others."""
        try:
            action()
        except Exception as fault:
            if name not in self._failing:
                self._failing.add(name)
                log.error("tick_failing", part=name, fault=f"{type(fault).__name__}: {fault}".strip())
            connections["default"].close()  # a broken connection cannot be repaired, only replaced
            return False
        if name in self._failing:
            self._failing.discard(name)
            log.info("tick_works_again", part=name)
        return True
