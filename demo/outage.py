"""An outage that somebody asks for: for two minutes the engine takes no answers, and it is seen how they wait."""

from datetime import datetime, timedelta

from demo.clock import Clock, utc_now

LASTS = timedelta(minutes=2)


class Outage:
    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._until: datetime | None = None

    def begin(self) -> None:
        self._until = self._clock() + LASTS

    def end(self) -> None:
        self._until = None

    @property
    def until(self) -> datetime | None:
        """The end of the outage; None when there is none."""
        return self._until if self._until is not None and self._clock() < self._until else None
