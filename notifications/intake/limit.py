"""The limit of an engine's waiting events, set by an administrator: past it, events must be sent again later.

Each process counts an engine's waiting events at most once a second, and adds those that it has taken since. So for an
engine with a limit a request costs a look into a dictionary. Several processes together may exceed the limit by the
events that they take in a second.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import connection
from django.utils import timezone

from notifications.intake import ingest
from notifications.models import Engine, Event
from notifications.types import InboundEvent

log = structlog.get_logger(__name__)

FRESH_SECONDS = 1.0
OVER = timedelta(seconds=10)
"""The period over which the rate of processed events of the engine is measured."""
ROOM = 0.1
"""The share of the limit that should be free when the engine comes again."""
MIN_RETRY_AFTER, MAX_RETRY_AFTER = 1, 60
"""Bounds of Retry-After, in seconds."""
ROWS = 10_000
"""Maximum processed events that are counted: if there are more, the rate is that of the latest ones."""

_PROCESSED = """
SELECT count(*) FILTER (WHERE engine_id = %(engine)s), count(*), min(processed_at) FROM (
    SELECT engine_id, processed_at FROM notifications_event WHERE processed_at > %(since)s
    ORDER BY processed_at DESC LIMIT %(rows)s
) AS processed
"""


@dataclass(slots=True)
class _WaitingCount:
    at: float
    waiting: int
    retry_after: int


class Limits:
    """One process's counts. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted: dict[int, _WaitingCount] = {}
        self._lock = threading.Lock()

    def retry_after(self, engine: Engine, events: Sequence[InboundEvent]) -> int | None:
        """Return the seconds after which these events should be sent again; None: they may be stored.

        They are taken or refused together, and taken while there is room for one: a batch is never too large for the
        limit. Events that are all stored already are not refused.
        """
        if engine.most_waiting is None or not events:
            return None
        counted = self._fresh(engine, engine.most_waiting)
        if counted.waiting < engine.most_waiting or ingest.all_known(engine, events):
            return None
        return counted.retry_after

    def took(self, engine: Engine, count: int) -> None:
        """Count events of the engine that were stored."""
        if engine.most_waiting is None:
            return
        with self._lock:
            if counted := self._counted.get(engine.pk):
                counted.waiting += count

    def _fresh(self, engine: Engine, most: int) -> _WaitingCount:
        now = self._clock()
        with self._lock:
            counted = self._counted.get(engine.pk)
            if counted is not None:
                if now - counted.at < FRESH_SECONDS:
                    return counted
                counted.at = now  # other threads use the earlier count until this thread has counted
        waiting = Event.objects.filter(engine=engine, due_at__isnull=False).order_by()[:most].count()
        recount = _WaitingCount(now, waiting, _retry_after(engine, most) if waiting >= most else MIN_RETRY_AFTER)
        with self._lock:
            self._counted[engine.pk] = recount
        if waiting >= most:
            log.warning("engine_is_to_wait", engine=engine.slug, limit=most, retry_after=recount.retry_after)
        return recount


def _retry_after(engine: Engine, most: int) -> int:
    """Return the seconds until there is room again, by the engine's events that were processed within OVER."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_PROCESSED, {"engine": engine.pk, "since": now - OVER, "rows": ROWS})
        count, rows, first = cursor.fetchone()
    begin = first if rows == ROWS else now - OVER
    rate = count / max((now - begin).total_seconds(), 0.1)
    return round(min(max(most * ROOM / rate, MIN_RETRY_AFTER), MAX_RETRY_AFTER)) if rate else MAX_RETRY_AFTER


limits = Limits()
"""The counts of this process."""
