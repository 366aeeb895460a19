"""The content lines of a calendar (RFC 5545) with the times of its events, counted before they are computed.

Pure: no Django. All other lines are dropped here: alarms, descriptions and unknown properties cost nothing later. No
title is read where only times are needed.
"""

import io
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BEHIND, AHEAD = timedelta(days=7), timedelta(days=200)
"""The time before and after now in which events are read."""
LONGEST_ABSENCE = timedelta(days=2 * 365)
"""The longest absence, and the longest time until one begins: people away for longer are deactivated."""
PAST = BEHIND + timedelta(days=1)
"""Events that ended this time before now are dropped: they are over in every time zone."""
MAX_EVENTS, MAX_DATES, MAX_ZONE_LINES, MAX_DEPTH = 5_000, 5_000, 10_000, 10
READ_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "WKST"})
"""Parts of rules of repetition: others are of little use here, and some take for ever to compute."""

TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
IDENTITY = frozenset({"UID", "SEQUENCE", "STATUS"})


@dataclass(frozen=True, order=True)
class Span:
    """A time away."""

    begins_at: datetime
    ends_at: datetime


class Refused(Exception):
    """Raised for an unreadable calendar. `code` and `arguments` are those of a reason (`notifications/reasons.py`)."""

    def __init__(self, code: str, **arguments: int) -> None:
        super().__init__(code)
        self.code = code
        self.arguments = arguments


@dataclass
class EventLines:
    """The lines of one event that are kept, and their values by name."""

    lines: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    dates: int = 0
    is_whole_day: bool = False

    def add(self, line: str, names: Set[str]) -> None:
        name = name_of(line)
        head, _colon, value = line.partition(":")
        if name in names:
            self.lines.append(line)
            self.values[name] = value.strip()
        if name in ("RDATE", "EXDATE"):
            self.dates += line.count(",") + 1
        if name == "DTSTART":
            self.is_whole_day = "VALUE=DATE" in head.upper().replace("VALUE=DATE-TIME", "")

    def is_over(self, day: str) -> bool:
        """Return whether the event happens once, and was over on that day. False: perhaps."""
        if not self.values.keys().isdisjoint({"RRULE", "RDATE", "RECURRENCE-ID", "DURATION"}):
            return False
        last = self.values.get("DTEND") or self.values.get("DTSTART", "")
        return last[:8].isdecimal() and last[:8] < day


@dataclass(frozen=True)
class Content:
    """The lines of a calendar that describe its time zones, and its events."""

    zones: Sequence[str]
    events: Sequence[EventLines]

    def reduced(self, now: datetime, counts: Callable[[EventLines], bool] = lambda event: True) -> str:
        """Return the calendar with its zones and the events that may happen in the coming time and count. An event that
        repeats has several entries with one UID: if one may count, all are kept. Raise Refused if it has too many."""
        uids = {event.values.get("UID") for event in self.events if counts(event)}
        day = f"{now - PAST:%Y%m%d}"
        events = [event for event in self.events if event.values.get("UID") in uids and not event.is_over(day)]
        if len(events) > MAX_EVENTS or sum(event.dates for event in events) > MAX_DATES:
            raise Refused("feed_too_many", most=MAX_EVENTS)
        lines = (line for event in events for line in ("BEGIN:VEVENT", *event.lines, "END:VEVENT"))
        head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//reduced//EN")
        return "\r\n".join([*head, *self.zones, *lines, "END:VCALENDAR", ""])


def parsed(body: str, names: Set[str]) -> Content:
    """Return the calendar, with the lines of these names. Raise Refused unless it is whole."""
    zones: list[str] = []
    events: list[EventLines] = []
    within: list[str] = []
    last = ""
    for line in _lines(body):
        last = line.strip().upper()
        word, _colon, name = last.partition(":")
        if word == "BEGIN":
            within.append(name)
            if len(within) > MAX_DEPTH:
                raise Refused("feed_no_calendar")
            if within[1:] == ["VEVENT"]:
                events.append(EventLines())
        if within[1:2] == ["VTIMEZONE"] or (within == ["VCALENDAR"] and name_of(line) in names):
            zones.append(line)
        elif within[1:] == ["VEVENT"] and word not in ("BEGIN", "END"):
            events[-1].add(line, names)
        if word == "END" and within:
            within.pop()
    if not begins_like_a_calendar(body) or last != "END:VCALENDAR" or within:
        raise Refused("feed_no_calendar")
    _check_zones(zones)
    return Content(zones, events)


def name_of(line: str) -> str:
    """Return the name of the line's property."""
    return line.partition(":")[0].partition(";")[0].upper()


def begins_like_a_calendar(body: str) -> bool:
    return body[:100].lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR")


def _check_zones(zones: Sequence[str]) -> None:
    """Raise Refused unless zones change yearly by a rule: real ones do, others would take for ever to compute."""
    rules = [line.upper().partition(":")[2] for line in zones if name_of(line) == "RRULE"]
    parts = [dict(part.partition("=")[::2] for part in rule.strip().split(";")) for rule in rules]
    if len(zones) > MAX_ZONE_LINES or not all(
        rule.get("FREQ") == "YEARLY" and rule.keys() <= READ_PARTS for rule in parts
    ):
        raise Refused("feed_broken")


def _lines(body: str) -> Iterator[str]:
    """Yield the content lines, unfolded (RFC 5545, 3.1)."""
    parts: list[str] = []
    for raw in io.StringIO(body):
        part = raw.rstrip("\r\n")
        if part[:1] in (" ", "\t"):
            parts.append(part[1:])
            continue
        if parts:
            yield "".join(parts)
        parts = [part]
    if parts:
        yield "".join(parts)
