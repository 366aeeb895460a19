"""Leaves a service alone while it does not answer: after some failures in a row nobody calls it for a while.

Then one try goes out. If it succeeds, all is as before; if not, the pause is twice as long, up to a limit.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Trouble:
    """What is known of a service that has failed. While `pause` is 0, it is still called; `trying`: one try is out."""

    failures: int = 0
    pause: float = 0.0
    until: float = 0.0
    trying: bool = False


class Breaker:
    """One for many services, told apart by name. Times are in seconds. Belongs to one thread."""

    def __init__(
        self,
        *,
        failures: int = 5,
        pause: float = 5.0,
        most: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures = failures
        self._pause = pause
        self._most = most
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def wait(self, service: str) -> float:
        """Seconds until the service may be tried; 0.0: now, and the caller then says how it went.

        After a pause one caller gets 0.0, and the others wait for its result. If none comes, the next one may try after
        another pause.
        """
        trouble = self._troubles.get(service)
        if trouble is None or not trouble.pause:
            return 0.0
        now = self._clock()
        if now < trouble.until:
            return trouble.until - now
        trouble.until, trouble.trying = now + trouble.pause, True
        return 0.0

    def paused(self) -> list[str]:
        """Those that nobody may try yet."""
        now = self._clock()
        return [service for service, trouble in self._troubles.items() if trouble.pause and now < trouble.until]

    def succeeded(self, service: str) -> bool:
        """It answered, whatever it said of the one message. True if it was left alone before."""
        trouble = self._troubles.pop(service, None)
        return trouble is not None and trouble.pause > 0

    def unknown(self, service: str) -> None:
        """It was not asked after all: another may try."""
        trouble = self._troubles.get(service)
        if trouble is not None and trouble.trying:
            trouble.until, trouble.trying = self._clock(), False

    def failed(self, service: str) -> None:
        """It could not be reached, did not answer in time, or said that it is broken."""
        trouble = self._troubles.setdefault(service, _Trouble())
        trouble.failures += 1
        if trouble.failures < self._failures:
            return
        if trouble.pause and not trouble.trying:
            return  # a call from before the pause that took its time
        trouble.pause = min(2 * trouble.pause, self._most) if trouble.pause else self._pause
        trouble.until, trouble.trying = self._clock() + trouble.pause, False
