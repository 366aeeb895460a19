"""About once a second: checks every source of due work, and wakes the process that handles what is due.

Of all tickers of an installation one leads (wfpush/processes/leader_election.py). When it stops, another one takes over
within a second; when it was killed, within a few seconds.
"""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import close_old_connections, connections
from django.utils import timezone
from django_q.models import Schedule

from wfpush.processes.leader_election import Leadership
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
TICKER = "ticker"
"""The name of this election."""

BACKSTOP = "wfpush backstop"
ACCOUNTS = "wfpush accounts"
SEARCHED = "wfpush searched"
COUNTS = "wfpush counts"
ABSENCES = "wfpush absences"
DUTY = "wfpush duty"
PRUNE = "wfpush prune"


class Ticker:
    """Ticks in a thread of its own until `stop` is set. Goes on while the database or Redis is away."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._leadership = Leadership(TICKER)
        self._trouble = Trouble()
        self._scheduled = False

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                began = time.monotonic()
                self.tick()
                self._stop.wait(max(0.05, TICK_SECONDS - (time.monotonic() - began)))
        finally:
            self._leadership.release()
            connections.close_all()

    def tick(self) -> None:
        """Check every source once, if this process leads."""
        close_old_connections()
        led = self._leadership.held
        if not self._trouble.attempt("leader", self._leadership.acquire) or not self._leadership.held:
            return
        if not led:
            log.info("ticker_leads")
            self._scheduled = False
        if not self._scheduled:
            self._scheduled = self._trouble.attempt("schedules", self._schedule)
        for source in outbox.sources():
            self._trouble.attempt(source.name, lambda source=source: _look(source))  # type: ignore[misc]

    def _schedule(self) -> None:
        with self._leadership.alone() as nobody_else:
            if nobody_else:
                ensure_schedules()


def _look(source: outbox.Source) -> None:
    if source.has_due(timezone.now()):
        source.wake()


class Trouble:
    """Runs actions that may fail. Logs once when an action begins to fail, and once when it works again."""

    def __init__(self) -> None:
        self._failing: set[str] = set()

    def attempt(self, name: str, action: Callable[[], object]) -> bool:
        """True if `action` did not raise. A failure of one source, whatever it is, must not stop the others."""
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


def ensure_schedules() -> None:
    """Make or update what django-q2 runs by schedule. Only the leader calls it, so each schedule is made once.

    The minutely ones wake sources if the ticker is dead, end what belongs to closed accounts, gather what searches
    read of large inboxes, count what the overview draws, hand over what waits for whoever is away, and tell who is on
    duty now; the daily one removes old rows.
    """
    minutely = {"func": "wfpush.tasks.backstop", "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    accounts = minutely | {"func": "notifications.tasks.settle_accounts"}
    searched = minutely | {"func": "notifications.tasks.gather_searched"}
    counts = minutely | {"func": "notifications.tasks.count_hours"}
    absences = minutely | {"func": "notifications.tasks.hand_over_absences"}
    duty = minutely | {"func": "notifications.tasks.hand_over_duty"}
    daily = {"func": "wfpush.tasks.prune", "schedule_type": Schedule.DAILY, "repeats": -1}
    named = {
        BACKSTOP: minutely,
        ACCOUNTS: accounts,
        SEARCHED: searched,
        COUNTS: counts,
        ABSENCES: absences,
        DUTY: duty,
        PRUNE: daily,
    }
    for name, schedule in named.items():
        Schedule.objects.update_or_create(name=name, defaults=schedule)
