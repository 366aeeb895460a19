"""Calendars as text: the hours of each day, and the reason where they differ from the week's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from itertools import groupby, islice

import holidays
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from escalations.admin.fields import hours_text
from escalations.calendars.definition import CalendarData, Intervals, public_holidays
from escalations.calendars.working_time import Calendar
from escalations.kinds.wording import hours as hours_in_words
from notifications.admin.desk.display import NOTHING
from wfpush import zones
from wfpush.zones import first_instant

A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
HOLIDAYS = 6


@dataclass(frozen=True, slots=True)
class Day:
    """A date, the hours that begin on it, and why they differ from those of its weekday."""

    date: date
    hours: str
    why: str


def days(data: CalendarData, notes: Mapping[date, str], first: date, count: int) -> list[Day]:
    dates = [first + at * A_DAY for at in range(count)]
    return [Day(each, written(data.intervals(each)), _why(data, notes, each)) for each in dates]


def _why(data: CalendarData, notes: Mapping[date, str], day: date) -> str:
    if day in data.days:
        return notes.get(day) or gettext("a special day")
    if data.country and day in public_holidays(data.country, data.subdivision, day.year):
        return names(data.country, data.subdivision, day.year, get_language() or "en")[day]
    return ""


def written(intervals: Intervals) -> str:
    return hours_text([f"{start:%H:%M}", f"{end:%H:%M}"] for start, end in intervals)


# --- public holidays --------------------------------------------------------------------------------------------------
@lru_cache(maxsize=128)
def names(country: str, subdivision: str, year: int, language: str) -> Mapping[date, str]:
    """Return the public holidays' names by date, in the reader's language if there are any, else in the country's."""
    spoken = getattr(holidays, country).supported_languages
    match = next((each for each in spoken if each.partition("_")[0] == language.partition("-")[0]), None)
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year, language=match))


def next_holidays(data: CalendarData, today: date) -> list[tuple[date, str]]:
    if not data.country:
        return []
    language = get_language() or "en"
    upcoming: Iterator[tuple[date, str]] = (
        (day, name)
        for year in (today.year, today.year + 1)
        for day, name in sorted(names(data.country, data.subdivision, year, language).items())
        if day >= today
    )
    return list(islice(upcoming, HOLIDAYS))


# --- pictures ---------------------------------------------------------------------------------------------------------
def two_weeks(calendar: Calendar, notes: Mapping[date, str], now: datetime) -> SafeString:
    """Return the tables of this week and the next."""
    today = now.astimezone(calendar.data.zone).date()
    monday = today - today.weekday() * A_DAY
    this_week = _week(gettext("This week"), calendar, notes, monday, today)
    return this_week + _week(gettext("Next week"), calendar, notes, monday + A_WEEK, today)


def _week(title: str, calendar: Calendar, notes: Mapping[date, str], monday: date, today: date) -> SafeString:
    cells = [
        ("desk-today" if day.date == today else "", dated(day.date, "MONTH_DAY_FORMAT"), _hours(day))
        for day in days(calendar.data, notes, monday, 7)
    ]
    zone = calendar.data.zone
    start, end = (first_instant(zone, datetime(at.year, at.month, at.day)) for at in (monday, monday + A_WEEK))
    span = hours_in_words(round(calendar.between(start, end).total_seconds() / 60))
    return format_html(
        '<table class="desk-table desk-week"><caption>{}</caption><tbody>{}</tbody></table>',
        gettext("%(title)s: %(span)s of working time") % {"title": title, "span": span},
        format_html_join("", '<tr class="{}"><th scope="row">{}</th><td>{}</td></tr>', cells),
    )


def _hours(day: Day) -> SafeString:
    hours = day.hours or gettext("closed")
    if not day.why:
        return format_html('<span class="{}">{}</span>', "" if day.hours else "desk-quiet", hours)
    return format_html('{} <span class="desk-detail">{}</span>', hours, day.why)


def holiday_table(data: CalendarData, now: datetime) -> SafeString:
    upcoming = next_holidays(data, now.astimezone(data.zone).date())
    cells = ((dated(day, "DATE_FORMAT"), name) for day, name in upcoming)
    rows = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', cells)
    return format_html('<table class="desk-table">{}</table>', rows) if upcoming else NOTHING


def dated(day: date, form: str) -> str:
    """Return the weekday and date, such as “Mon, 23 Nov”."""
    return f"{WEEKDAYS_ABBR[day.weekday()]}, {date_format(day, form)}"


def week_in_short(data: CalendarData) -> str:
    """Return the week's hours, such as “Mon–Fri 09:00–17:00; Sat 09:00–12:00”."""
    parts = []
    for hours, run in groupby(range(7), key=lambda at: written(data.week[at])):
        weekdays = list(run)
        if hours:
            first = str(WEEKDAYS_ABBR[weekdays[0]])
            last = f"–{WEEKDAYS_ABBR[weekdays[-1]]}" if len(weekdays) > 1 else ""
            parts.append(f"{first}{last} {hours}")
    return "; ".join(parts)


def sources() -> str:
    """Return the versions of the data that dates are computed with."""
    versions = {"zones": zones.data_version(), "holidays": version("holidays")}
    return gettext("time zones: tzdata %(zones)s · public holidays: holidays %(holidays)s") % versions
