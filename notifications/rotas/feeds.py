"""Calendars that rotas read: an iCalendar feed, a quarter of an hour after the last time.

Of an event's attendees the first whom we know is on duty, by their e-mail address; without attendees whoever the
summary names. A feed that cannot be read, or makes no sense, keeps what was read before, and says since when.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from notifications import reasons
from notifications.models import Recipient, Rota, RotaFeed, RotaFeedShift
from notifications.reasons import Reason
from notifications.wording.plaintext import clean_line, cut
from wfpush import zones
from wfpush.net.http import OutboundError, Response, outbound_from_settings
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "rota_feeds"
EVERY = timedelta(minutes=15)
LEASE = timedelta(minutes=2)
WHILE_READ = timedelta(hours=1)
"""After which a feed is tried again whose reading has ended its process."""
MAX_BODY = 1024 * 1024
BEHIND, AHEAD = timedelta(days=7), timedelta(days=200)
MOST_EVENTS, MOST_RULES, MOST_SHIFTS = 5_000, 30, 2_000
READ_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "WKST"})
"""Parts of rules of repetition: others are of no use to a rota, and some take for ever to find out."""
DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
OLDEST = 2000


class Unreadable(Exception):
    """What came is no calendar that a rota can be read from."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def settle(rota: Rota) -> None:
    """The rota was saved: read its calendar at once, or forget what was read of another address."""
    kept = RotaFeed.objects.filter(rota=rota).first()
    if not rota.feed_url or (kept is not None and kept.url != rota.feed_url):
        RotaFeedShift.objects.filter(rota=rota).delete()
        RotaFeed.objects.filter(rota=rota).delete()
        kept = None
    if rota.feed_url and kept is None:
        RotaFeed.objects.create(rota=rota, url=rota.feed_url, **outbox.scheduled(timezone.now()))
        transaction.on_commit(outbox.source_named(SOURCE_NAME).wake)


# --- the outbox's source ----------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return outbox.due(RotaFeed.objects.all(), now).exists()


def drain() -> None:
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        claimed = outbox.claim(RotaFeed.objects.all(), limit=1, lease=LEASE, now=timezone.now())
        if not claimed:
            return
        _run(claimed[0], timezone.now())
    outbox.source_named(SOURCE_NAME).wake()


def _run(feed: RotaFeed, now: datetime) -> None:
    outbox.delay(feed, now + WHILE_READ)
    try:
        _read(feed, now)
    except Unreadable as fault:
        _failed(feed, fault.reason, now)
    except Exception as fault:  # whatever a calendar holds, it must cost no other's reading
        if outage.database_is_away(fault):
            raise
        log.exception("rota_feed_not_read", rota=feed.rota_id)
        _failed(feed, reasons.crashed(fault), now)


def _failed(feed: RotaFeed, why: Reason, now: datetime) -> None:
    since = feed.failing_since or now
    outbox.postpone(feed, now + EVERY, failing_since=since, **reasons.kept("fault", why))


def _read(feed: RotaFeed, now: datetime) -> None:
    """Raises Unreadable."""
    response = asyncio.run(_fetch(feed))
    body, etag = feed.body, feed.etag
    if response is not None:
        body = response.body.decode("utf-8", "replace").replace("\x00", "")
        etag = response.headers.get("ETag", "")[:200]
    rota = Rota.objects.get(pk=feed.rota_id)
    rows = shifts_in(body, zones.zone(rota.timezone), now)
    known = _People()
    found = [
        RotaFeedShift(
            rota=rota, person=known.meant(event), begins_at=begins, ends_at=ends, summary=_summary(event)
        )
        for event, begins, ends in rows
    ]  # fmt: skip
    with transaction.atomic():
        read = {"read_at": now, "failing_since": None, "fault": "", "fault_fact": None}
        if not outbox.postpone(feed, now + EVERY, body=body, etag=etag, attempts=0, **read):
            return  # the address has been changed, or somebody else reads it
        RotaFeedShift.objects.filter(rota=rota).delete()
        RotaFeedShift.objects.bulk_create(found)


async def _fetch(feed: RotaFeed) -> Response | None:
    """None: it is as it was. Raises Unreadable."""
    headers = {"Accept": "text/calendar"} | ({"If-None-Match": feed.etag} if feed.etag and feed.body else {})
    async with outbound_from_settings(max_body=MAX_BODY) as door:
        try:
            response = await door.request("GET", feed.url, headers=headers)
        except OutboundError as fault:
            raise Unreadable(reasons.not_reached(fault)) from fault
    if response.status == 304 and feed.body:
        return None
    if response.status != 200:
        raise Unreadable(reasons.FEED_STATUS(status=response.status))
    if response.truncated:
        raise Unreadable(reasons.FEED_TOO_LARGE(limit=MAX_BODY // 1024))
    return response


# --- what it holds ----------------------------------------------------------------------------------------------------
def shifts_in(body: str, zone: ZoneInfo, now: datetime) -> Sequence[tuple[Any, datetime, datetime]]:
    """The events of the coming time, each with its beginning and end. Raises Unreadable."""
    try:
        calendar: Any = icalendar.Calendar.from_ical(body)
    except (ValueError, IndexError, KeyError) as fault:
        raise Unreadable(reasons.FEED_NO_CALENDAR()) from fault
    _check(calendar)
    found = []
    for event in recurring_ical_events.of(calendar).between(now - BEHIND, now + AHEAD):
        begins, ends = _time(event, zone)
        if begins < ends and str(event.get("STATUS", "")).upper() != "CANCELLED":
            found.append((event, begins, ends))
        if len(found) > MOST_SHIFTS:
            raise Unreadable(reasons.FEED_TOO_MANY(most=MOST_SHIFTS))
    return sorted(found, key=lambda row: row[1:])


def _check(calendar: Any) -> None:
    events = calendar.walk("VEVENT")
    rules = [(event, rule) for event in events for rule in _rules(event)]
    if len(events) > MOST_EVENTS or len(rules) > MOST_RULES:
        raise Unreadable(reasons.FEED_TOO_MANY(most=MOST_RULES if len(rules) > MOST_RULES else MOST_EVENTS))
    if not all(_is_plain(event, rule) for event, rule in rules):
        raise Unreadable(reasons.FEED_ODD_RULE())


def _rules(event: Any) -> Iterator[Any]:
    said = event.get("RRULE", [])
    yield from said if isinstance(said, list) else [said]


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


def _time(event: Any, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begins, ends = event.start, event.end
    return _instant(begins, zone), _instant(ends, zone)


def _instant(at: date, zone: ZoneInfo) -> datetime:
    """Days begin at midnight in the rota's zone, and times without a zone are of it, too."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day)
    return zones.first_instant(zone, at) if at.tzinfo is None else at.astimezone(UTC)


def _summary(event: Any) -> str:
    return cut(clean_line(str(event.get("SUMMARY", ""))), 300)


class _People:
    """Everybody whom a calendar may name: their addresses, refs and names."""

    def __init__(self) -> None:
        self._by_email: dict[str, Recipient | None] = {}
        self._by_name: dict[str, Recipient | None] = {}

    def meant(self, event: Any) -> Recipient | None:
        said = event.get("ATTENDEE", [])
        for attendee in said if isinstance(said, list) else [said]:
            address = str(attendee).strip().lower().removeprefix("mailto:")
            if (person := self._at(address)) is not None:
                return person
        return self._named(_summary(event))

    def _at(self, address: str) -> Recipient | None:
        if address not in self._by_email:
            self._by_email[address] = self._only(self._all().annotate(lower=Lower("email")).filter(lower=address))
        return self._by_email[address]

    def _named(self, summary: str) -> Recipient | None:
        """By the whole of the summary, or by what stands after a colon or a dash: “On call: Alice”."""
        for text in dict.fromkeys([summary, *(summary.rpartition(sign)[2] for sign in (":", " - ", " – "))]):
            name = text.strip()
            if name and name not in self._by_name:
                self._by_name[name] = self._only(self._all().filter(ref=name)) or self._only(
                    self._all().filter(name__iexact=name)
                )
            if name and (person := self._by_name[name]) is not None:
                return person
        return None

    def _all(self) -> QuerySet[Recipient]:
        return Recipient.objects.filter(engine=None, active=True)

    def _only(self, people: QuerySet[Recipient]) -> Recipient | None:
        """None if it may be several."""
        found = list(people[:2])
        return found[0] if len(found) == 1 else None


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
