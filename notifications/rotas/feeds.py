"""Calendars that rotas read: an iCalendar feed, a quarter of an hour after the last time.

Of an event's attendees the first whom we know is on duty, by their e-mail address; without attendees whoever the
summary names. A feed that cannot be read, or makes no sense, keeps what was read before, and says since when.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from notifications import calendar_feeds
from notifications.models import Recipient, Rota, RotaFeed, RotaFeedShift
from notifications.wording.plaintext import clean_line, cut
from wfpush import zones
from wfpush.queue import outbox

SOURCE_NAME = "rota_feeds"
EVERY = timedelta(minutes=15)
MAX_BODY = 1024 * 1024


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
    calendar_feeds.drain(RotaFeed.objects.all(), SOURCE_NAME, EVERY, _read)


def _read(feed: RotaFeed, now: datetime) -> None:
    """Raises Unreadable."""
    response = asyncio.run(calendar_feeds.fetch(feed.url, MAX_BODY, feed.etag if feed.body else ""))
    body, etag = feed.body, feed.etag
    if response is not None:
        body, etag = calendar_feeds.text_of(response), response.headers.get("ETag", "")[:200]
    rota = Rota.objects.get(pk=feed.rota_id)
    known = _People()
    found = [
        RotaFeedShift(rota=rota, person=known.meant(event), begins_at=begins, ends_at=ends, summary=_summary(event))
        for event, begins, ends in calendar_feeds.events_in(body, zones.zone(rota.timezone), now)
    ]
    with transaction.atomic():
        if not outbox.postpone(feed, now + EVERY, body=body, etag=etag, **calendar_feeds.was_read(now)):
            return  # the address has been changed, or somebody else reads it
        RotaFeedShift.objects.filter(rota=rota).delete()
        RotaFeedShift.objects.bulk_create(found)


# --- whom it names ----------------------------------------------------------------------------------------------------
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
