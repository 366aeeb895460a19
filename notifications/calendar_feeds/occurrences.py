"""The events of a calendar with their times, in order. Pure: no Django."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any

import icalendar
import recurring_ical_events

from notifications.calendar_feeds.content import AHEAD, BEHIND, MAX_EVENTS, READ_PARTS, Refused
from wfpush import zones

MAX_RULES, MAX_OCCURRENCES = 30, 2_000
DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
OLDEST, NEWEST = 2000, 9000
"""Years that are computed."""

Occurrence = tuple[Any, datetime, datetime]
"""An event of `icalendar`, with its beginning and end."""


@lru_cache(maxsize=1)
def occurrences_in(body: str, zone: tzinfo, now: datetime) -> Sequence[Occurrence]:
    """Return the events of the coming time. Days begin at midnight in the zone. Raise Refused. Cached, because choices
    of entries often leave the same body."""
    try:
        calendar: Any = icalendar.Calendar.from_ical(body)
    except (ValueError, IndexError, KeyError) as fault:
        raise Refused("feed_no_calendar") from fault
    try:
        _check(calendar)
        return sorted(_occurrences(calendar, zone, now), key=lambda row: row[1:])
    except (ValueError, TypeError, ArithmeticError) as fault:
        raise Refused("feed_broken") from fault


def values_of(event: Any, name: str) -> list[Any]:
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]


def _occurrences(calendar: Any, zone: tzinfo, now: datetime) -> Iterator[Occurrence]:
    count = 0
    for event in recurring_ical_events.of(calendar).between(now - BEHIND, now + AHEAD):
        begins, ends = _instant(event.start, zone), _instant(event.end, zone)
        if begins < ends and str(event.get("STATUS", "")).upper() != "CANCELLED":
            count += 1
            yield event, begins, ends
        if count > MAX_OCCURRENCES:
            raise Refused("feed_too_many", most=MAX_OCCURRENCES)


def _check(calendar: Any) -> None:
    events = calendar.walk("VEVENT")
    rules = [(event, rule) for event in events for rule in values_of(event, "RRULE")]
    dates = sum(len(getattr(each, "dts", ())) for event in events for each in values_of(event, "RDATE"))
    if len(events) + dates > MAX_EVENTS or len(rules) > MAX_RULES:
        raise Refused("feed_too_many", most=MAX_RULES if len(rules) > MAX_RULES else MAX_EVENTS)
    if not all(_is_plain(event, rule) for event, rule in rules):
        raise Refused("feed_odd_rule")


def _is_plain(event: Any, rule: Any) -> bool:
    """Return whether the rule repeats by days or longer, and at days that exist."""
    frequency, interval = str(rule.get("FREQ", [""])[0]).upper(), int(rule.get("INTERVAL", [1])[0])
    months = [int(month) for month in rule.get("BYMONTH", range(1, 13))]
    days = [int(day) for day in rule.get("BYMONTHDAY", [1])]
    start = getattr(event.get("DTSTART"), "dt", None)
    return (
        {name.upper() for name in rule} <= READ_PARTS
        and frequency in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
        and 1 <= interval <= 366
        and isinstance(start, date)
        and start.year >= OLDEST
        and any(1 <= month <= 12 and abs(day) <= DAYS_OF_MONTHS[month - 1] for month in months for day in days)
    )


def _instant(at: date, zone: tzinfo) -> datetime:
    """Return the instant. Times without a zone are of this one. The year 9999 is cut short: zones count beyond it."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day)
    if at.year > NEWEST:
        at = at.replace(year=NEWEST, day=1)
    return zones.first_instant(zone, at) if at.tzinfo is None else at.astimezone(UTC)
