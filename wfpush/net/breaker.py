"""Circuit breaker: after some failures in a row a service is not called for a while.

Then one call is let through. If it succeeds, the service is called as before; if not, the pause doubles, up to a limit.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Trouble:
    """The state of a service that has failed. While `pause` is 0, it is still called. `trying`: the one call after a
    pause has begun."""

    failures: int = 0
    pause: float = 0.0
    until: float = 0.0
    trying: bool = False


class Breaker:
    """Breakers for many services, by name. Times are in seconds. Belongs to one thread."""

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
        """Return the seconds until the service may be called. 0.0: now, and the caller reports the call's result.

        After a pause one caller gets 0.0, and the others wait for its result. If it reports none, another caller may
        try after another pause.
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
        """Return the services that may not be called yet."""
        now = self._clock()
        return [service for service, trouble in self._troubles.items() if trouble.pause and now < trouble.until]

    def succeeded(self, service: str) -> bool:
        """Report any answer of the service. Return whether the service was paused before."""
        trouble = self._troubles.pop(service, None)
        return trouble is not None and trouble.pause > 0

    def unknown(self, service: str) -> None:
        """Report that the call was not made: another caller may try."""
        trouble = self._troubles.get(service)
        if trouble is not None and trouble.trying:
            trouble.until, trouble.trying = self._clock(), False

    def failed(self, service: str) -> None:
        """Report that the service could not be reached, did not answer in time, or said that it is broken."""
        trouble = self._troubles.setdefault(service, _Trouble())
        trouble.failures += 1
        if trouble.failures < self._failures:
            return
        if trouble.pause and not trouble.trying:
            return  # a late result of a call from before the pause
        trouble.pause = min(2 * trouble.pause, self._most) if trouble.pause else self._pause
        trouble.until, trouble.trying = self._clock() + trouble.pause, False
