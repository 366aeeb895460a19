"""The times of a person's calendar at which they are away, by entries that count as absences. Pure: no Django.

Outlook marks entries as out of office (`X-MICROSOFT-CDO-BUSYSTATUS:OOF`), Nextcloud the entries of its absences, Google
none. Titles, places and people of entries are dropped before the calendar is read: only times are taken.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from notifications.calendar_feeds.content import IDENTITY, LONGEST_ABSENCE, TIMES, Content, Span
from notifications.calendar_feeds.occurrences import occurrences_in

OOF, NEXTCLOUD = "X-MICROSOFT-CDO-BUSYSTATUS", "X-NEXTCLOUD-OUT-OF-OFFICE"
NAMES = TIMES | IDENTITY | {"TRANSP", OOF, NEXTCLOUD}
"""Properties of entries that are kept."""
NOT_BUSY = ("FREE", "TENTATIVE", "WORKINGELSEWHERE")
MARKED, WHOLE_DAYS, ALL = "marked", "whole_days", "all"
"""Entries that count: those marked as out of office; those, and whole days on which the person is busy; all."""


def spans_in(content: Content, takes: str, zone: tzinfo, now: datetime) -> list[Span]:
    """Return the merged spans in which the person will be away. Days are those of the zone. Raise Refused."""
    body = content.reduced(now, lambda event: _counts(event.values, takes, is_whole_day=event.is_whole_day))
    spans = []
    for event, begins, ends in occurrences_in(body, zone, now):
        values = {name: str(event.get(name, "")) for name in (OOF, NEXTCLOUD, "TRANSP")}
        is_whole_day = not isinstance(event["DTSTART"].dt, datetime)
        if ends > now and _counts(values, takes, is_whole_day=is_whole_day):
            spans.append(Span(begins, min(ends, max(begins, now) + LONGEST_ABSENCE)))
    return _merged(spans)


def _counts(values: Mapping[str, str], takes: str, *, is_whole_day: bool) -> bool:
    status = values.get(OOF, "").upper()
    if takes == ALL or status == "OOF" or values.get(NEXTCLOUD):
        return True
    is_busy = values.get("TRANSP", "").upper() != "TRANSPARENT" and status not in NOT_BUSY
    return takes == WHOLE_DAYS and is_whole_day and is_busy


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.begins_at <= merged[-1].ends_at:
            merged[-1] = Span(merged[-1].begins_at, max(merged[-1].ends_at, span.ends_at))
        else:
            merged.append(span)
    return merged
