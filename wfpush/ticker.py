"""About once a second: ask every source of due work whether something is due, and wake whoever handles it.

Of all tickers of an installation one leads, by a PostgreSQL advisory lock on a connection of its own: when its process
or its connection goes, another one takes over within a second.
"""

import copy
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error as DatabaseError
from django.utils import timezone
from django_q.models import Schedule

from wfpush import outbox

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
LEADER_LOCK = 0x7766_7075_7368_0001
"""Key of the advisory lock: "wfpush", number 1. Advisory locks belong to one database."""

BACKSTOP = "wfpush backstop"
ACCOUNTS = "wfpush accounts"
PRUNE = "wfpush prune"

# The server notices within seconds that the leader's machine is gone; without, it would keep the lock for hours.
KEEPALIVES = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"


class Leadership:
    """The advisory lock and the connection that holds it. Used by one thread."""

    def __init__(self) -> None:
        self.held = False
        self._connection: BaseDatabaseWrapper | None = None

    def acquire(self) -> bool:
        """True while this process leads. Raises DatabaseError when the database is away; the lock is lost then."""
        try:
            if self._connection is None:
                self._connection = _own_connection()
            with self._connection.cursor() as cursor:
                if self.held:
                    cursor.execute("SELECT 1")  # the lock lives and dies with this connection
                else:
                    cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
                    self.held = bool(cursor.fetchone()[0])
        except DatabaseError:
            self.release()
            raise
        return self.held

    def release(self) -> None:
        self.held = False
        if self._connection is not None:
            with suppress(DatabaseError):
                self._connection.close()
            self._connection = None


def _own_connection() -> BaseDatabaseWrapper:
    """A connection outside Django's pool, from which it could be handed to others with the lock on it."""
    usual = connections["default"]
    settings = copy.deepcopy(usual.settings_dict)
    settings["OPTIONS"].pop("pool", None)
    connection = type(usual)(settings, alias=usual.alias)
    with connection.cursor() as cursor:
        cursor.execute(KEEPALIVES)
    return connection


class Ticker:
    """Ticks in a thread of its own until `stop` is set; a database or Redis that is away costs only time."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._leadership = Leadership()
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
        """One look at every source, if this process leads."""
        led = self._leadership.held
        if not self._trouble.attempt("leader", self._leadership.acquire) or not self._leadership.held:
            return
        if not led:
            log.info("ticker_leads")
            self._scheduled = False
        if not self._scheduled:
            self._scheduled = self._trouble.attempt("schedules", ensure_schedules)
        for source in outbox.sources():
            self._trouble.attempt(source.name, lambda source=source: _look(source))  # type: ignore[misc]


def _look(source: outbox.Source) -> None:
    if source.has_due(timezone.now()):
        source.wake()


class Trouble:
    """Runs what may fail, and logs once when it begins to fail and once when it works again."""

    def __init__(self) -> None:
        self._failing: set[str] = set()

    def attempt(self, name: str, action: Callable[[], object]) -> bool:
        """True if `action` did not raise. One source's failure must not stop the others, whatever it is."""
        try:
            action()
        except Exception as fault:
            if name not in self._failing:
                self._failing.add(name)
                log.error("tick_failing", part=name, fault=f"{type(fault).__name__}: {fault}".strip())
            connections["default"].close()  # a broken connection is not repaired, only replaced
            return False
        if name in self._failing:
            self._failing.discard(name)
            log.info("tick_works_again", part=name)
        return True


def ensure_schedules() -> None:
    """What django-q2 runs by the clock. Only the leader calls it, so each is made once.

    The minutely ones wake what a dead ticker left, and end what closed accounts hold; the daily one removes what is
    past its time.
    """
    minutely = {"func": "wfpush.tasks.backstop", "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    accounts = minutely | {"func": "notifications.tasks.settle_accounts"}
    daily = {"func": "wfpush.tasks.prune", "schedule_type": Schedule.DAILY, "repeats": -1}
    for name, schedule in ((BACKSTOP, minutely), (ACCOUNTS, accounts), (PRUNE, daily)):
        Schedule.objects.update_or_create(name=name, defaults=schedule)
