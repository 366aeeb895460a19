"""Working time: calendars with time zones, holidays and special days, and exact arithmetic in them.

Pure: no Django, no clock. Instants are whole microseconds since 1970 in UTC, since Python compares two datetimes of one
zone by their wall clocks. Each year's working time is computed once and kept with the calendar.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any

from escalations.calendars.definition import BadCalendar, CalendarData, read_calendar
from wfpush.zones import first_instant, last_instant

__all__ = ["BadCalendar", "Calendar", "NoWorkingTime"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
A_DAY = timedelta(days=1)
SPILL = timedelta(days=3)
"""The distance to which shifts reach beyond their year: they may end in the next, and zones differ by up to a day."""
LONGEST_REST = timedelta(days=366)
"""The longest time without working time that a calendar may have."""
LAST_YEAR = 9998


class NoWorkingTime(ValueError):
    """Raised for a calendar that has no working time for 366 days."""

    def __init__(self) -> None:
        super().__init__("There is no working time for 366 days on end.")


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of working time in microseconds since 1970: start, end, and the working time before each stretch.

    The last item of `before` is all working time.
    """

    starts: list[int]
    ends: list[int]
    before: list[int]

    @property
    def total(self) -> int:
        return self.before[-1]

    def until(self, instant: int) -> int:
        """Return the working time before an instant."""
        at = bisect_right(self.starts, instant) - 1
        return self.before[at] + min(instant, self.ends[at]) - self.starts[at] if at >= 0 else 0

    def earliest(self, worked: int) -> int:
        """Return the first instant with this much working time before it. `worked`: more than none, at most all."""
        at = bisect_left(self.before, worked) - 1
        return self.starts[at] + worked - self.before[at]

    def latest(self, worked: int) -> int:
        """Return the last instant with this much working time before it. `worked`: less than all."""
        at = bisect_right(self.before, worked) - 1
        return self.starts[at] + worked - self.before[at]

    def open_from(self, instant: int) -> int | None:
        """Return the instant itself if it is working time, else the next opening; None after the last stretch."""
        at = bisect_right(self.ends, instant)
        return max(self.starts[at], instant) if at < len(self.ends) else None

    def open_until(self, instant: int) -> int | None:
        """Return the instant itself if working time ends there or later, else the last closing; None if there is
        none."""
        at = bisect_left(self.starts, instant) - 1
        return min(self.ends[at], instant) if at >= 0 else None


class Calendar:
    """The working time of people. Instants are aware datetimes (naive ones raise ValueError); results are in UTC."""

    def __init__(self, data: CalendarData) -> None:
        self.data = data
        self._years: dict[int, Stretches] = {}

    @classmethod
    def from_dict(cls, document: Any) -> "Calendar":
        """Read a calendar from JSON. Raises BadCalendar."""
        return cls(read_calendar(document))

    def check(self, today: date) -> None:
        """Raise NoWorkingTime unless the 366 days from that date have some."""
        start = first_instant(self.data.zone, datetime(today.year, today.month, today.day))
        if not self.between(start, start + LONGEST_REST):
            raise NoWorkingTime

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from `start` up to `end`; zero if `end` is not later."""
        first, last = _micros(start), _micros(end)
        worked = 0
        if first < last:
            for year in range(self._year_of(start - SPILL), self._year_of(end + SPILL) + 1):
                stretches = self._year(year)
                worked += stretches.until(last) - stretches.until(first)
        return timedelta(microseconds=worked)

    def is_open(self, instant: datetime) -> bool:
        """Return whether the instant is working time."""
        return bool(self.between(instant, instant + MICROSECOND))

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """Return the instant with `duration` of working time since `start`, or before it for a negative `duration`.

        Forwards this is the earliest such instant, which may be a closing but not the next opening; backwards the
        latest. Zero means `start` itself if that is working time, else the next opening. Raises NoWorkingTime.
        """
        instant, micros = _micros(start), duration // MICROSECOND
        if micros < 0:
            return _datetime(self._subtract(instant, -micros))
        return _datetime(self._add(instant, micros) if micros else self._next_open(instant))

    def openings(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the stretches of working time between two instants, cut at both; adjacent ones are joined."""
        first, last = _micros(start), _micros(end)
        began = ended = first
        for year in range(self._year_of(start - SPILL), self._year_of(end + SPILL) + 1):
            stretches = self._year(year)
            for opens, closes in zip(stretches.starts, stretches.ends, strict=True):
                opens, closes = max(opens, first), min(closes, last)
                if opens >= closes:
                    continue
                if opens > ended:
                    if began < ended:
                        yield _datetime(began), _datetime(ended)
                    began = opens
                ended = closes
        if began < ended:
            yield _datetime(began), _datetime(ended)

    # --- arithmetic ----------------------------------------------------------------------------------
    def _add(self, instant: int, left: int) -> int:
        for stretches in self._years_from(instant):
            passed = stretches.until(instant)
            if left <= stretches.total - passed:
                return stretches.earliest(passed + left)
            left -= stretches.total - passed
        raise NoWorkingTime

    def _next_open(self, instant: int) -> int:
        for stretches in self._years_from(instant):
            if (opens := stretches.open_from(instant)) is not None:
                return opens
        raise NoWorkingTime

    def _subtract(self, instant: int, left: int) -> int:
        for stretches in self._years_back(instant):
            passed = stretches.until(instant)
            if left <= passed:
                return stretches.latest(passed - left)
            left -= passed
        raise NoWorkingTime

    def _years_from(self, instant: int) -> Iterator[Stretches]:
        """Yield the years with working time after this instant. Raises NoWorkingTime after 366 days without any."""
        closed_since = instant
        for year in range(self._year_of(_datetime(instant) - SPILL), LAST_YEAR):
            stretches = self._year(year)
            opens = stretches.open_from(instant)
            _refuse_rest((_new_year(year + 1) if opens is None else opens) - closed_since)
            if opens is not None:
                yield stretches
                closed_since = stretches.ends[-1]

    def _years_back(self, instant: int) -> Iterator[Stretches]:
        """Yield the years with working time before this instant, backwards. Raises like `_years_from`."""
        closed_until = instant
        for year in range(self._year_of(_datetime(instant) + SPILL), 1, -1):
            stretches = self._year(year)
            closes = stretches.open_until(instant)
            _refuse_rest(closed_until - (_new_year(year) if closes is None else closes))
            if closes is not None:
                yield stretches
                closed_until = stretches.starts[0]

    # --- years ---------------------------------------------------------------------------------------
    def _year_of(self, instant: datetime) -> int:
        return instant.astimezone(self.data.zone).year

    def _year(self, year: int) -> Stretches:
        """Return the working time of shifts that begin in that year, except time that earlier shifts cover."""
        if year not in self._years:
            self._years[year] = self._stretches(year)
        return self._years[year]

    def _stretches(self, year: int) -> Stretches:
        begins = date(year, 1, 1)
        reached = max((end for _, end in self._shifts(begins - SPILL, begins)), default=_micros(EPOCH) - 2**62)
        starts, ends = [], []
        for start, end in sorted(self._shifts(begins, date(year + 1, 1, 1))):
            start = max(start, reached)
            if start < end:
                starts.append(start)
                ends.append(end)
                reached = end
        lengths = (end - start for start, end in zip(starts, ends, strict=True))
        return Stretches(starts, ends, list(accumulate(lengths, initial=0)))

    def _shifts(self, first: date, last: date) -> Iterator[tuple[int, int]]:
        """Yield start and end of the shifts on dates from `first` up to `last`, which is excluded."""
        while first < last:
            for start, end in self.data.shifts(first):
                yield _micros(first_instant(self.data.zone, start)), _micros(last_instant(self.data.zone, end))
            first += A_DAY


def _refuse_rest(micros: int) -> None:
    if micros > LONGEST_REST // MICROSECOND:
        raise NoWorkingTime


def _new_year(year: int) -> int:
    return _micros(datetime(year, 1, 1, tzinfo=UTC))


def _micros(instant: datetime) -> int:
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError("A moment without a time zone is no instant.")
    return (instant.astimezone(UTC) - EPOCH) // MICROSECOND


def _datetime(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
