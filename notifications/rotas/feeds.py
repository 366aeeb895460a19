"""Calendars that rotas read: an iCalendar feed, a quarter of an hour after the last time.

The first known attendee of an event is on duty, by their e-mail address; without attendees the person named by the
summary. A feed that cannot be read, or makes no sense, keeps its last shifts, and says since when.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from notifications.calendar_feeds import polling
from notifications.calendar_feeds.reading import CalendarEvent, events_in
from notifications.models import Recipient
from notifications.rotas.models import Rota, RotaFeed, RotaFeedShift
from notifications.wording.plaintext import clean_line, cut
from wfpush import zones
from wfpush.observability.services import Kind
from wfpush.queue import outbox

SOURCE_NAME = "rota_feeds"
EVERY = timedelta(minutes=15)
MAX_BODY = 1024 * 1024
PORTION = 1_000
"""Names or addresses of one query."""


def settle(rota: Rota) -> None:
    """Read the calendar of a saved rota at once, or delete the shifts of its former address."""
    feed = RotaFeed.objects.filter(rota=rota).first()
    if not rota.feed_url or (feed is not None and feed.url != rota.feed_url):
        RotaFeedShift.objects.filter(rota=rota).delete()
        RotaFeed.objects.filter(rota=rota).delete()
        feed = None
    if rota.feed_url and feed is None:
        RotaFeed.objects.create(rota=rota, url=rota.feed_url, **outbox.scheduled(timezone.now()))
        transaction.on_commit(outbox.source_named(SOURCE_NAME).wake)


# --- the outbox's source ----------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return outbox.due(RotaFeed.objects.all(), now).exists()


def has_late(before: datetime) -> bool:
    return polling.has_late(RotaFeed.objects.all(), SOURCE_NAME, before)


def drain() -> None:
    def host_of(feed: RotaFeed) -> str:
        return (urlsplit(feed.url).hostname or "")[:253]

    polling.drain(RotaFeed.objects.all(), SOURCE_NAME, EVERY, _read, host_of, 1)


def kinds() -> Sequence[Kind]:
    def at_host(host: str) -> Q:
        return Q(url__iregex=rf"^[a-z]+://([^/@]*@)?{re.escape(host)}([:/?#]|$)")

    return [polling.kind(SOURCE_NAME, RotaFeed.objects.all, at_host)]


def _read(feed: RotaFeed, now: datetime) -> None:
    """Read the feed's calendar, and store its shifts. Raise Unreadable."""
    etag = feed.etag if feed.body else ""
    response = polling.fetch(feed.url, settings.OUTBOUND_ALLOWED_CIDRS, MAX_BODY, etag)
    body, etag = feed.body, feed.etag
    if response is not None:
        body, etag = polling.text_of(response), response.headers.get("ETag", "")[:200]
    rota = Rota.objects.get(pk=feed.rota_id)
    events = events_in(body, zones.zone(rota.timezone), now)
    people = _People(events)
    shifts = [
        RotaFeedShift(
            rota=rota,
            person=people.meant(event),
            begins_at=event.begins_at,
            ends_at=event.ends_at,
            summary=_summary(event),
        )
        for event in events
    ]
    with transaction.atomic():
        if not outbox.postpone(feed, now + EVERY, body=body, etag=etag, **polling.was_read(now)):
            return  # the address has been changed, or another process reads it
        RotaFeedShift.objects.filter(rota=rota).delete()
        RotaFeedShift.objects.bulk_create(shifts)


# --- people of events -------------------------------------------------------------------------------------------------
def _summary(event: CalendarEvent) -> str:
    return cut(clean_line(event.summary), 300)


def _addresses(event: CalendarEvent) -> list[str]:
    return [attendee.strip().lower().removeprefix("mailto:") for attendee in event.attendees]


def _names(event: CalendarEvent) -> list[str]:
    """Return the whole summary, and the text after a colon or a dash: “On call: Alice”."""
    summary = _summary(event)
    names = [summary, *(summary.rpartition(sign)[2] for sign in (":", " - ", " – "))]
    return [name.strip() for name in dict.fromkeys(names) if name.strip()]


class _People:
    """The people whom a calendar's events name by address, ref or name, which must be of one person only."""

    def __init__(self, events: Sequence[CalendarEvent]) -> None:
        names = {name for event in events for name in _names(event)}
        self._by_email = _people_by("email", {address for event in events for address in _addresses(event)})
        self._by_ref = _people_by("ref", names)
        self._by_name = _people_by("name", {name.lower() for name in names})

    def meant(self, event: CalendarEvent) -> Recipient | None:
        candidates = [
            *(self._by_email.get(address) for address in _addresses(event)),
            *(self._by_ref.get(name) or self._by_name.get(name.lower()) for name in _names(event)),
        ]
        return next((person for person in candidates if person is not None), None)


def _people_by(field: str, values: Iterable[str]) -> dict[str, Recipient]:
    """Return people by `field`, in lower case unless it is the ref. A value that several people have is left out."""
    key = field if field == "ref" else f"lower_{field}"
    people = Recipient.objects.filter(engine=None, active=True)
    if key != field:
        people = people.annotate(**{key: Lower(field)})
    matches = [person for some in _portions(values) for person in people.filter(**{f"{key}__in": some})]
    counts = Counter(getattr(person, key) for person in matches)
    return {getattr(person, key): person for person in matches if counts[getattr(person, key)] == 1}


def _portions(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield the values in lists of at most PORTION."""
    rest = [value for value in values if value]
    for start in range(0, len(rest), PORTION):
        yield rest[start : start + PORTION]


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain, has_late=has_late),)
