"""Quiet hours: converts a person's choices to instants. Pure: no database."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from wfpush.zones import first_instant, last_instant

A_DAY = timedelta(days=1)
AHEAD = timedelta(days=8)
"""Time that is looked through: more than a week of quiet is cut there."""

OnHolidays = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Window:
    """Quiet hours on these days (0 is Monday), from a time of the wall clock until another. An end that is not later is
    on the next day."""

    days: frozenset[int]
    begins: time
    ends: time


@dataclass(frozen=True)
class Quiet:
    """A person's quiet times. `is_holiday`: days that are quiet as a whole."""

    zone: tzinfo
    windows: tuple[Window, ...]
    is_holiday: OnHolidays | None = None

    def until(self, now: datetime) -> datetime | None:
        """Return the end of the quiet hours in which `now` lies; None outside them. Hours that touch are one."""
        begins, ends = next(self.stretches(now, now + AHEAD), (now, now))
        return ends if begins <= now < ends else None

    def next_until(self, now: datetime) -> tuple[datetime, datetime] | None:
        """Return the beginning and end of the current or next quiet hours; None within the days looked through."""
        return next(self.stretches(now, now + AHEAD), None)

    def stretches(self, now: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the beginnings and ends of all quiet hours between the two instants, in order. Hours that touch are
        one. The search begins on the day before `now`."""
        days = (until - now) // A_DAY + 2
        current: tuple[datetime, datetime] | None = None
        for begins, ends in sorted(self._intervals(now.astimezone(self.zone).date(), days)):
            if current is not None and begins <= current[1]:
                current = current[0], max(current[1], ends)
                continue
            if current is not None and current[1] > now:
                yield current
            current = begins, ends
        if current is not None and current[1] > now:
            yield current

    def _intervals(self, today: date, days: int) -> Iterator[tuple[datetime, datetime]]:
        for ahead in range(-1, days):
            day = today + ahead * A_DAY
            for window in self.windows:
                if day.weekday() in window.days:
                    yield self._between(day, window.begins, window.ends)
            if self.is_holiday is not None and self.is_holiday(day):
                yield self._between(day, time.min, time.min)

    def _between(self, day: date, begins: time, ends: time) -> tuple[datetime, datetime]:
        last = day if ends > begins else day + A_DAY
        return (
            first_instant(self.zone, datetime.combine(day, begins)),
            last_instant(self.zone, datetime.combine(last, ends)),
        )


def hours_left(windows: Iterable[Window]) -> timedelta:
    """Return how much of a week is not quiet."""
    minutes = set(range(7 * 24 * 60))
    for window in windows:
        for day in window.days:
            begins = day * 24 * 60 + window.begins.hour * 60 + window.begins.minute
            length = (window.ends.hour - window.begins.hour) * 60 + window.ends.minute - window.begins.minute
            length += 24 * 60 if length <= 0 else 0
            minutes -= {(begins + each) % (7 * 24 * 60) for each in range(length)}
    return timedelta(minutes=len(minutes))
