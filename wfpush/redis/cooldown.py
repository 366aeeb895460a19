"""A cooldown after timeouts, in which Redis is not called for a few seconds.

Calls of Redis here are hints. With a Redis that accepts connections and never answers, each call would cost its whole
timeout, one request after another. A Redis that is gone refuses at once and needs no cooldown.
"""

import time
from collections.abc import Callable

import redis

COOLDOWN_SECONDS = 5.0


class Cooldown:
    """A cooldown, which is true while Redis is not to be called. `clock` returns seconds that never jump."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0

    def __bool__(self) -> bool:
        return self._clock() < self._until

    def after(self, fault: BaseException) -> None:
        """Begin a cooldown, if `fault` is a timeout."""
        if isinstance(fault, redis.TimeoutError | TimeoutError):
            self._until = self._clock() + COOLDOWN_SECONDS


redis_cooldown = Cooldown()
"""The cooldown of this process."""
