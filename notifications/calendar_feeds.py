"""iCalendar feeds that are read regularly: fetched with limits, their events worked out, tried again when they fail.

A feed that cannot be read, or makes no sense, keeps what was read before, and says since when.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, TypeVar

import icalendar
import recurring_ical_events
import structlog
from django.db.models import QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.models import CalendarFeed
from notifications.reasons import Reason
from wfpush import zones
from wfpush.net.http import OutboundError, Response, outbound_from_settings
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
WHILE_READ = timedelta(hours=1)
"""After which a feed is tried again whose reading has ended its process."""
BEHIND, AHEAD = timedelta(days=7), timedelta(days=200)
MOST_EVENTS, MOST_RULES, MOST_FOUND = 5_000, 30, 2_000
READ_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "WKST"})
"""Parts of rules of repetition: others are of little use here, and some take for ever to find out."""
DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
OLDEST, NEWEST = 2000, 9000
"""Years that are computed."""

Found = Sequence[tuple[Any, datetime, datetime]]
"""Events, each with its beginning and end."""
FeedT = TypeVar("FeedT", bound=CalendarFeed)


class Unreadable(Exception):
    """What came is no calendar that can be read."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


# --- regularly --------------------------------------------------------------------------------------------------------
def drain(
    feeds: QuerySet[FeedT],
    source: str,
    every: timedelta,
    read: Callable[[FeedT, datetime], None],
    failed: Callable[[FeedT, datetime], None] = lambda feed, now: None,
) -> None:
    """Read what is due. `read` raises Unreadable; `failed` is called after it has, with what is known by then."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        claimed = outbox.claim(feeds, limit=1, lease=LEASE, now=timezone.now())
        if not claimed:
            return
        feed, now = claimed[0], timezone.now()
        outbox.delay(feed, now + WHILE_READ)
        why = _fault_of(feed, now, read)
        if why:
            since = feed.failing_since = feed.failing_since or now
            if outbox.postpone(feed, now + every, failing_since=since, **reasons.kept("fault", why)):
                failed(feed, now)
    outbox.source_named(source).wake()


def _fault_of(feed: FeedT, now: datetime, read: Callable[[FeedT, datetime], None]) -> Reason:
    """NOTHING: it was read."""
    try:
        read(feed, now)
    except Unreadable as fault:
        return fault.reason
    except Exception as fault:  # whatever a calendar holds, it must cost no other's reading
        if outage.database_is_away(fault):
            raise
        log.exception("calendar_not_read", kind=feed._meta.model_name, key=feed.pk)
        return reasons.crashed(fault)
    return reasons.NOTHING


def was_read(now: datetime) -> dict[str, Any]:
    """The fields that say so."""
    return {"read_at": now, "failing_since": None, "fault": "", "fault_fact": None, "attempts": 0}


async def fetch(url: str, most: int, etag: str = "") -> Response | None:
    """None: it is as it was with this `etag`. Reads at most `most` bytes. Raises Unreadable."""
    headers = {"Accept": "text/calendar"} | ({"If-None-Match": etag} if etag else {})
    async with outbound_from_settings(max_body=most) as door:
        try:
            response = await door.request("GET", url, headers=headers)
        except OutboundError as fault:
            raise Unreadable(reasons.not_reached(fault)) from fault
    if response.status == 304 and etag:
        return None
    if response.status != 200:
        raise Unreadable(reasons.FEED_STATUS(status=response.status))
    if response.truncated:
        raise Unreadable(reasons.FEED_TOO_LARGE(limit=most // 1024))
    return response


def text_of(response: Response) -> str:
    return response.body.decode("utf-8", "replace").replace("\x00", "")


# --- what it holds ----------------------------------------------------------------------------------------------------
def events_in(body: str, zone: tzinfo, now: datetime) -> Found:
    """The events of the coming time, in their order. Days begin at midnight in the zone. Raises Unreadable."""
    try:
        calendar: Any = icalendar.Calendar.from_ical(body)
    except (ValueError, IndexError, KeyError) as fault:
        raise Unreadable(reasons.FEED_NO_CALENDAR()) from fault
    try:
        _check(calendar)
        return sorted(_found(calendar, zone, now), key=lambda row: row[1:])
    except (ValueError, TypeError, ArithmeticError) as fault:
        raise Unreadable(reasons.FEED_BROKEN()) from fault


def _found(calendar: Any, zone: tzinfo, now: datetime) -> Found:
    found: list[tuple[Any, datetime, datetime]] = []
    for event in recurring_ical_events.of(calendar).between(now - BEHIND, now + AHEAD):
        begins, ends = _instant(event.start, zone), _instant(event.end, zone)
        if begins < ends and str(event.get("STATUS", "")).upper() != "CANCELLED":
            found.append((event, begins, ends))
        if len(found) > MOST_FOUND:
            raise Unreadable(reasons.FEED_TOO_MANY(most=MOST_FOUND))
    return found


def _check(calendar: Any) -> None:
    events = calendar.walk("VEVENT")
    rules = [(event, rule) for event in events for rule in _listed(event, "RRULE")]
    dates = sum(len(getattr(each, "dts", ())) for event in events for each in _listed(event, "RDATE"))
    if len(events) + dates > MOST_EVENTS or len(rules) > MOST_RULES:
        raise Unreadable(reasons.FEED_TOO_MANY(most=MOST_RULES if len(rules) > MOST_RULES else MOST_EVENTS))
    if not all(_is_plain(event, rule) for event, rule in rules):
        raise Unreadable(reasons.FEED_ODD_RULE())


def _listed(event: Any, name: str) -> list[Any]:
    said = event.get(name, [])
    return said if isinstance(said, list) else [said]


def _is_plain(event: Any, rule: Any) -> bool:
    """Whether it repeats by days or longer, and at days that there are."""
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
    """Times without a zone are of this one. What ends in the year 9999 ends a little earlier: zones count beyond it."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day)
    if at.year > NEWEST:
        at = at.replace(year=NEWEST, day=1)
    return zones.first_instant(zone, at) if at.tzinfo is None else at.astimezone(UTC)


def lines_of(body: str) -> Iterator[str]:
    """The content lines, unfolded (RFC 5545, 3.1)."""
    line = ""
    for each in body.splitlines():
        if each[:1] in (" ", "\t"):
            line += each[1:]
            continue
        if line:
            yield line
        line = each
    if line:
        yield line
