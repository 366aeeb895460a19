"""Rate limits: counted in Redis for all processes together, and open while Redis is unavailable."""

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import redis
import structlog

from wfpush.queue.outbox import connection

log = structlog.get_logger(__name__)

WINDOW = 60
"""Seconds of a window, after which counting starts again."""
KEPT_WINDOWS = 10
"""Windows whose counts stay, for the desk."""

Bucket = Literal["engine", "key", "directory", "operator", "person", "stranger"]
LIMITS: dict[Bucket, int] = {"key": 300_000, "directory": 30_000, "operator": 60, "person": 3_000, "stranger": 3_000}
"""Calls in a window: of each API key, each token of a directory, each operator's key and each person, and failed calls
without a caller of each address. Administrators can set others of engines and keys (`notifications.models.Limit`),
which count events."""

PORTIONS = 600
"""Portions in a window. A process takes its calls from Redis in at most as many portions, so that a busy key needs no
round trip per call."""

SILENCE = 5.0
"""Seconds without a request to Redis after one that failed."""

_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Quota:
    """The calls that one caller may make in a window."""

    bucket: Bucket
    ident: str
    most: int

    @classmethod
    def usual(cls, bucket: Bucket, ident: str) -> "Quota":
        return cls(bucket, ident, LIMITS[bucket])

    def name(self, window: int) -> str:
        """Return the key in Redis."""
        return f"wfpush:calls:{self.bucket}:{self.ident}:{window}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What is left of a quota after a call. `seconds`: until the window ends."""

    quota: Quota
    left: int
    seconds: float
    is_over: bool = False


@dataclass(slots=True)
class _Portion:
    """`left`: calls that this process may still make. `unclaimed`: what Redis had left when it was asked last."""

    window: int
    left: int
    unclaimed: int
    over: bool = False


class Throttle:
    """Counter of one process's calls. Safe to share between threads."""

    def __init__(self) -> None:
        self._portions: dict[tuple[Bucket, str], _Portion] = {}
        self._lock = threading.Lock()
        self._silent_until = 0.0

    def count(self, quota: Quota, cost: int = 1) -> Usage:
        """Count a call of this cost. It is over the limit if nothing is left; a batch may take more than is left."""
        now = time.time()
        window = int(now // WINDOW)
        seconds = (window + 1) * WINDOW - now
        with self._lock:
            portion = self._portions.get((quota.bucket, quota.ident))
            if portion is None or portion.window != window:
                self._make_room(window)
                portion = self._portions[quota.bucket, quota.ident] = _Portion(window, 0, quota.most)
            if portion.left >= cost:
                portion.left -= cost
                return Usage(quota, portion.left + portion.unclaimed, seconds)
            if portion.over:
                return Usage(quota, 0, seconds, is_over=True)
            missing, portion.left = cost - portion.left, 0
        granted, unclaimed = self._ask(quota, window, missing)
        with self._lock:
            portion.left += max(granted - missing, 0)
            portion.unclaimed, portion.over = unclaimed, granted <= 0
            return Usage(quota, portion.left + unclaimed, seconds, is_over=granted <= 0)

    def _ask(self, quota: Quota, window: int, missing: int) -> tuple[int, int]:
        """Take a portion of this window's calls from Redis. Return the number of calls in it, and of those that are
        left there."""
        portion = max(1, quota.most // PORTIONS, missing)
        if time.monotonic() < self._silent_until:
            return missing, quota.most
        try:
            with connection().pipeline(transaction=False) as pipe:
                pipe.incrby(quota.name(window), portion)
                pipe.expire(quota.name(window), (KEPT_WINDOWS + 1) * WINDOW)
                taken = int(pipe.execute()[0])
        except (redis.RedisError, OSError) as fault:
            self._silent_until = time.monotonic() + SILENCE
            log.warning("rate_limits_open", fault=str(fault))
            return missing, quota.most
        return min(portion, quota.most - (taken - portion)), max(quota.most - taken, 0)

    def _make_room(self, window: int) -> None:
        if len(self._portions) >= _MOST_KEPT:
            current = {key: portion for key, portion in self._portions.items() if portion.window == window}
            self._portions = current if len(current) < _MOST_KEPT else {}


throttle = Throttle()
"""The throttle of this process."""


def headers(usages: Collection[Usage]) -> dict[str, str]:
    """Return the fields that tell a caller its limits (draft-ietf-httpapi-ratelimit-headers)."""
    if not usages:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{each.quota.bucket}";q={each.quota.most};w={WINDOW}' for each in usages),
        "RateLimit": ", ".join(f'"{each.quota.bucket}";r={each.left};t={int(each.seconds) + 1}' for each in usages),
    }


def highest(quotas: Collection[Quota]) -> Mapping[Quota, int]:
    """Return the most calls of each caller in one of the last windows. Empty without Redis."""
    now = int(time.time() // WINDOW)
    windows = range(now - KEPT_WINDOWS + 1, now + 1)
    names = [quota.name(window) for quota in quotas for window in windows]
    try:
        counts = [int(value or 0) for value in connection().mget(names)] if names else []
    except (redis.RedisError, OSError) as fault:
        log.warning("rate_limits_unread", fault=str(fault))
        return {}
    size = KEPT_WINDOWS
    return {quota: max(counts[at * size : (at + 1) * size]) for at, quota in enumerate(quotas)}
