"""A Redis that takes commands and never answers is left alone for a moment after each that was given up.

What is asked of it are hints. Each would cost its whole timeout, one request after the other; a Redis that is gone
refuses at once and needs none of this.
"""

import time
from collections.abc import Callable

import redis

QUIET_SECONDS = 5.0


class Quiet:
    """True while Redis is left alone. `clock` gives seconds that never jump."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0

    def __bool__(self) -> bool:
        return self._clock() < self._until

    def after(self, fault: BaseException) -> None:
        """Begin, if the fault is that no answer came in time."""
        if isinstance(fault, redis.TimeoutError | TimeoutError):
            self._until = self._clock() + QUIET_SECONDS


quiet = Quiet()
"""This process's."""
