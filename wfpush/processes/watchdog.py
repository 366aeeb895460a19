"""Notices a django-q2 cluster that is alive but runs no tasks.

When an idle django-q2 worker is killed by SIGKILL, or frozen, the lock of the task queue may stay taken: every other
worker then waits for ever. So a heartbeat task, which no other worker's cluster takes, updates the worker's row in the
database. When the row stops advancing while Redis answers and the database takes writes, the cluster is to be
restarted.
"""

import time
from collections.abc import Callable
from datetime import datetime

import redis
import structlog
from django.db import OperationalError, close_old_connections, connection
from django.db.utils import Error as DatabaseError

from wfpush.models import Heartbeat
from wfpush.processes.broker import request_heartbeat

log = structlog.get_logger(__name__)

BEAT_SECONDS = 5.0
STALL_SECONDS = 45.0


class Watchdog:
    """The watchdog of a worker's cluster, called every `beat_seconds`. `clock`: seconds that never jump."""

    def __init__(
        self, worker: str, stall_seconds: float = STALL_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._worker = worker
        self._stall_seconds = stall_seconds
        self.beat_seconds = min(BEAT_SECONDS, stall_seconds / 6)
        self._clock = clock
        self._seen: datetime | None = None
        self._progress_at = clock()

    def excuse(self) -> None:
        """Restart the time until the next heartbeat: the cluster was just started, or the database or Redis is away."""
        self._progress_at = self._clock()

    def stalled(self) -> bool:
        """Ask for a heartbeat, and return whether earlier ones were not executed for too long."""
        close_old_connections()
        try:
            connection.ensure_connection()
            if not connection.is_usable():
                raise OperationalError("the database does not answer, or takes no writes")
            beat_at = Heartbeat.objects.filter(name=self._worker).values_list("beat_at", flat=True).first()
            request_heartbeat(self._worker)
        except (DatabaseError, redis.RedisError, OSError):
            connection.close()
            self.excuse()
            return False
        if beat_at != self._seen:
            self._seen = beat_at
            self._progress_at = self._clock()
        return self._clock() - self._progress_at > self._stall_seconds
