"""The definition of a calendar: read from JSON, checked, and expanded to the shifts of a date. No Django."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

import holidays

from wfpush.zones import UnknownZone, zone

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_A_DAY = 48
"""The most intervals of one day."""
MOST_DAYS = 5000
A_DAY = timedelta(days=1)

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

Interval = tuple[time, time]
Intervals = tuple[Interval, ...]


class BadCalendar(ValueError):
    """Raised for a faulty definition. `pointer` is a JSON pointer to the fault; `detail` says what to do."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or '/'}: {detail}")
        self.pointer = pointer
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CalendarData:
    """The data of a calendar. `week` begins on Monday. `country` is empty where public holidays are working days."""

    timezone: str
    week: tuple[Intervals, ...]
    country: str = ""
    subdivision: str = ""
    days: Mapping[date, Intervals] = field(default_factory=dict)

    @property
    def zone(self) -> tzinfo:
        return zone(self.timezone)

    def intervals(self, day: date) -> Intervals:
        """Return the intervals of a date by the wall clock, in no particular order."""
        own = self.days.get(day)
        if own is not None:
            return own
        if self.country and day in public_holidays(self.country, self.subdivision, day.year):
            return ()
        return self.week[day.weekday()]

    def is_holiday(self, day: date) -> bool:
        """Return whether the date is a public holiday on which nobody works, or a day of its own without hours."""
        own = self.days.get(day)
        if own is not None:
            return not own
        return bool(self.country) and day in public_holidays(self.country, self.subdivision, day.year)

    def shifts(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the shifts that begin on a date, as naive datetimes. Ends at or before their start are on the next
        date."""
        for start, end in self.intervals(day):
            yield datetime.combine(day, start), datetime.combine(day if end > start else day + A_DAY, end)


@lru_cache(maxsize=512)
def public_holidays(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    """Return date to name, from the `holidays` package: observed days included, category PUBLIC."""
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


# --- reading ----------------------------------------------------------------------------------------------------------
def read_calendar(document: Any) -> CalendarData:
    """Read a calendar from JSON. Raises BadCalendar, with a pointer to the fault."""
    members = _members(document, "", ("timezone", "week", "holidays", "days"))
    region, name = _country(members.get("holidays")), _timezone(members.get("timezone"))
    by_day = _members(members.get("week"), "/week", WEEKDAYS)
    week = tuple(_intervals(by_day.get(day) or [], f"/week/{day}") for day in WEEKDAYS)
    return CalendarData(name, week, *region, _days(members.get("days")))


def _members(document: Any, pointer: str, allowed: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise BadCalendar(pointer, "An object is needed here.")
    for name in document:
        if name not in allowed:
            raise BadCalendar(f"{pointer}/{name}", f"There is no such member; there are {', '.join(allowed)}.")
    return document


def _timezone(name: Any) -> str:
    if not isinstance(name, str):
        raise BadCalendar("/timezone", "A time zone is needed, such as Europe/Berlin.")
    try:
        zone(name)
    except UnknownZone:
        raise BadCalendar("/timezone", f"There is no time zone {name}; one is Europe/Berlin.") from None
    return name


def _country(document: Any) -> tuple[str, str]:
    if document is None:
        return "", ""
    members = _members(document, "/holidays", ("country", "subdivision"))
    country, subdivision = members.get("country"), members.get("subdivision") or ""
    supported = holidays.list_supported_countries()
    if not isinstance(country, str) or country not in supported:
        raise BadCalendar("/holidays/country", f"No public holidays are known of {country}; a country is such as DE.")
    if subdivision and not _is_subdivision(country, subdivision):
        raise BadCalendar(
            "/holidays/subdivision",
            f"{country} has no subdivision {subdivision}; it has {', '.join(supported[country])}.",
        )
    return country, subdivision


def _is_subdivision(country: str, subdivision: Any) -> bool:
    """Return whether the country has this subdivision. Aliases such as Bavaria for BY count."""
    if not isinstance(subdivision, str):
        return False
    try:
        holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        return False
    return True


def _days(days: Any) -> Mapping[date, Intervals]:
    if days is None:
        return {}
    if not isinstance(days, Mapping):
        raise BadCalendar("/days", "An object is needed here: date to intervals.")
    if len(days) > MOST_DAYS:
        raise BadCalendar("/days", f"At most {MOST_DAYS} days may have hours of their own.")
    return {_date(day): _intervals(intervals, f"/days/{day}") for day, intervals in days.items()}


def _date(text: Any) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except (TypeError, ValueError):
        pass
    raise BadCalendar(f"/days/{text}", "A date is written as 2026-12-24.")


def _intervals(intervals: Any, pointer: str) -> Intervals:
    if not isinstance(intervals, list | tuple):
        raise BadCalendar(pointer, 'A list of intervals is needed, such as [["09:00", "17:00"]].')
    if len(intervals) > MOST_A_DAY:
        raise BadCalendar(pointer, f"At most {MOST_A_DAY} intervals may begin on one day.")
    return tuple(_interval(each, f"{pointer}/{at}") for at, each in enumerate(intervals))


def _interval(pair: Any, pointer: str) -> Interval:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise BadCalendar(pointer, 'An interval has a start and an end: ["09:00", "17:00"].')
    start, end = (_time(each, f"{pointer}/{at}") for at, each in enumerate(pair))
    return start, end


def _time(text: Any, pointer: str) -> time:
    if isinstance(text, str) and _TIME.fullmatch(text):
        return time.fromisoformat(text)
    raise BadCalendar(pointer, "A time is written as 09:30, from 00:00 to 23:59.")
