"""Which entries of a person's calendar mean that they are away, and when that is.

Outlook marks entries as out of office (`X-MICROSOFT-CDO-BUSYSTATUS:OOF`), and Nextcloud those of its absences; Google
marks none. Titles, places and people of entries are dropped before the calendar is read: only times are taken of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from notifications import reasons
from notifications.calendar_feeds import MOST_EVENTS, Found, Unreadable, events_in, lines_of
from notifications.models import TakenEntries
from notifications.people.absence_checks import LONGEST

OOF, NEXTCLOUD = "X-MICROSOFT-CDO-BUSYSTATUS", "X-NEXTCLOUD-OUT-OF-OFFICE"
TIMES = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"}
KEPT = TIMES | {"UID", "SEQUENCE", "STATUS", "TRANSP", OOF, NEXTCLOUD}
PAST = timedelta(days=3)
NOT_BUSY = ("FREE", "TENTATIVE", "WORKINGELSEWHERE")


@dataclass(frozen=True, order=True)
class Span:
    """A time away."""

    begins_at: datetime
    ends_at: datetime


def spans_in(body: str, takes: str, zone: tzinfo, now: datetime) -> list[Span]:
    """When the person is away in the coming time; what overlaps or touches is one. Days are those of the zone. Raises
    Unreadable."""
    return _together(_spans(events_in(_bare(body, takes, now), zone, now), takes, now))


def _spans(found: Found, takes: str, now: datetime) -> Iterator[Span]:
    for event, begins, ends in found:
        if ends > now and _counts(event, takes):
            yield Span(begins, min(ends, max(begins, now) + LONGEST))


def _counts(event: Any, takes: str) -> bool:
    said = {name: str(event.get(name, "")) for name in (OOF, NEXTCLOUD, "TRANSP")}
    whole_day = not isinstance(event["DTSTART"].dt, datetime)
    return _would_count(said, takes, whole_day=whole_day)


def _would_count(said: dict[str, str], takes: str, *, whole_day: bool) -> bool:
    status = said.get(OOF, "").upper()
    if takes == TakenEntries.ALL or status == "OOF" or said.get(NEXTCLOUD):
        return True
    busy = said.get("TRANSP", "").upper() != "TRANSPARENT" and status not in NOT_BUSY
    return takes == TakenEntries.WHOLE_DAYS and whole_day and busy


def _together(spans: Iterator[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.begins_at <= found[-1].ends_at:
            found[-1] = Span(found[-1].begins_at, max(found[-1].ends_at, span.ends_at))
        else:
            found.append(span)
    return found


# --- without what is nobody's business --------------------------------------------------------------------------------
@dataclass
class _Event:
    lines: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    whole_day: bool = False

    def add(self, line: str) -> None:
        head, _colon, value = line.partition(":")
        name, _semicolon, parameters = head.partition(";")
        name = name.upper()
        if name in KEPT:
            self.lines.append(line)
            self.said[name] = value.strip()
        if name == "DTSTART":
            self.whole_day = "VALUE=DATE" in parameters.upper().replace("VALUE=DATE-TIME", "")

    def is_over(self, day: str) -> bool:
        """Whether it happens once, and was over on that day. False: perhaps."""
        if not self.said.keys().isdisjoint({"RRULE", "RDATE", "RECURRENCE-ID", "DURATION"}):
            return False
        last = self.said.get("DTEND") or self.said.get("DTSTART", "")
        return last[:8].isdecimal() and last[:8] < day


def _bare(body: str, takes: str, now: datetime) -> str:
    """The calendar with its time zones, and of its events those that may count, with what says when they are. An event
    that repeats has several entries with one UID: if one may count, all are kept. Raises Unreadable."""
    zones, events = _parsed(body)
    wanted = {each.said.get("UID") for each in events if _would_count(each.said, takes, whole_day=each.whole_day)}
    past = f"{now - PAST:%Y%m%d}"
    kept = [each for each in events if each.said.get("UID") in wanted and not each.is_over(past)]
    if len(kept) > MOST_EVENTS:
        raise Unreadable(reasons.FEED_TOO_MANY(most=MOST_EVENTS))
    lines = (line for each in kept for line in ("BEGIN:VEVENT", *each.lines, "END:VEVENT"))
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bare//EN", *zones, *lines, "END:VCALENDAR", ""])


def _parsed(body: str) -> tuple[Sequence[str], Sequence[_Event]]:
    """Lines of the time zones, and the events. Raises Unreadable unless it is a whole calendar."""
    zones: list[str] = []
    events: list[_Event] = []
    within: list[str] = []
    last = ""
    for line in lines_of(body):
        last = line.strip().upper()
        word, _colon, name = last.partition(":")
        if word == "BEGIN":
            within.append(name)
            if within[1:] == ["VEVENT"]:
                events.append(_Event())
        if within[1:2] == ["VTIMEZONE"]:
            zones.append(line)
        elif within[1:] == ["VEVENT"] and word not in ("BEGIN", "END"):
            events[-1].add(line)
        if word == "END" and within:
            within.pop()
    if not body.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR") or last != "END:VCALENDAR" or within:
        raise Unreadable(reasons.FEED_NO_CALENDAR())
    return zones, events
