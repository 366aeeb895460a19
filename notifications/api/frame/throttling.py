"""Rate limits: counted in Redis for all processes together, generous, and open while Redis is unavailable."""

import threading
import time
from dataclasses import dataclass
from typing import Literal

import redis
import structlog

from wfpush.queue.outbox import connection

log = structlog.get_logger(__name__)

WINDOW = 60
"""Seconds of a window, after which counting starts again."""

Bucket = Literal["engine", "directory", "person", "stranger"]
LIMITS: dict[Bucket, int] = {"engine": 300_000, "directory": 30_000, "person": 3_000, "stranger": 3_000}
"""Calls in a window: of each API key, each token of a directory and each person, and failed calls without a caller of
each address."""

PORTIONS = 600
"""Portions in a window. A process takes its calls from Redis in at most as many portions, so that a busy key needs no
round trip per call."""

SILENCE = 5.0
"""Seconds without a request to Redis after one that failed."""

_MOST_KEPT = 10_000


@dataclass(slots=True)
class _Portion:
    window: int
    left: int
    over: bool = False


class Throttle:
    """Counter of one process's calls. Safe to share between threads."""

    def __init__(self) -> None:
        self._portions: dict[tuple[Bucket, str], _Portion] = {}
        self._lock = threading.Lock()
        self._silent_until = 0.0

    def wait(self, bucket: Bucket, ident: str) -> float | None:
        """Count one call. Return the seconds to wait if it is one too many, else None."""
        now = time.time()
        window = int(now // WINDOW)
        with self._lock:
            portion = self._portions.get((bucket, ident))
            if portion is None or portion.window != window:
                self._make_room(window)
                portion = self._portions[bucket, ident] = _Portion(window, 0)
            if portion.left > 0:
                portion.left -= 1
                return None
            if portion.over:
                return (window + 1) * WINDOW - now
        granted = self._ask(bucket, ident, window)
        with self._lock:
            portion.left += max(granted - 1, 0)
            portion.over = granted <= 0
        return None if granted > 0 else (window + 1) * WINDOW - now

    def _ask(self, bucket: Bucket, ident: str, window: int) -> int:
        """Take a portion of this window's calls from Redis. Return the number of calls in it."""
        limit = LIMITS[bucket]
        portion = max(1, limit // PORTIONS)
        if time.monotonic() < self._silent_until:
            return 1
        name = f"wfpush:calls:{bucket}:{ident}:{window}"
        try:
            with connection().pipeline(transaction=False) as pipe:
                pipe.incrby(name, portion)
                pipe.expire(name, 2 * WINDOW)
                taken = pipe.execute()[0]
        except (redis.RedisError, OSError) as fault:
            self._silent_until = time.monotonic() + SILENCE
            log.warning("rate_limits_open", fault=str(fault))
            return 1
        return min(portion, limit - (int(taken) - portion))

    def _make_room(self, window: int) -> None:
        if len(self._portions) >= _MOST_KEPT:
            current = {key: portion for key, portion in self._portions.items() if portion.window == window}
            self._portions = current if len(current) < _MOST_KEPT else {}


throttle = Throttle()
"""The throttle of this process."""
