"""Calendars from which absences are read, half an hour after the last time.

Only the times of an entry are stored. An entry that is changed, moved or removed changes or ends the absence. While a
calendar cannot be read, the stored absences stay; its page says so, and after a day its person is notified.

People may write any address. So it is read in networks that are open to people alone, and every answer that is no
calendar gets the same reason: nobody can look around in our networks by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.absences.entering import sign
from notifications.absences.models import AbsenceFeed, CalendarAbsence, TakenEntries
from notifications.absences.reasons import OWN_CALENDAR
from notifications.calendar_feeds import polling
from notifications.calendar_feeds.content import Span
from notifications.calendar_feeds.reading import Unreadable, spans_by_choice, spans_in
from notifications.models import OpenItems, Recipient
from notifications.models.validators import validate_callback_url
from notifications.people.stand_ins import at
from notifications.reasons import Reason
from notifications.routing import system_notices
from notifications.routing.system_notices import NoticeSubject, Words
from notifications.wording.formats import zone_of
from notifications.wording.times import moment
from wfpush.net.http import OutboundError, check_url
from wfpush.observability.services import Kind
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "absence_feeds"
TYPE = "wfpush.absence"
EVERY = timedelta(minutes=30)
MAX_BODY = 5 * 1024 * 1024
"""Bytes: Google's calendars hold all their past events."""
SECONDS = 10.0
"""Seconds for a calendar's server."""
TOLD_AFTER = timedelta(days=1)
MIN_FAILING_FEEDS = 2
"""Number of people's failing calendars of one server after which the server is at fault, and not a typed address."""


# --- settings of a calendar -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class FeedSettings:
    """A calendar as it is entered. `address`: empty: the stored one."""

    address: str
    takes: str
    delegate: Recipient | None = None
    open_items: str = OpenItems.OFFER
    give_back: bool = False


def cleaned(address: str) -> str:
    """Return an address as it was typed, cleaned. Raise ValidationError."""
    url = address.strip()
    if url.lower().startswith("webcal://"):
        url = "https" + url[len("webcal") :]
    if urlsplit(url).scheme == "http" and settings.HTTPS:
        raise ValidationError(_("Enter an address that begins with https://."))
    try:
        check_url(url, settings.CALENDAR_ALLOWED_CIDRS)
    except OutboundError as fault:
        if fault.code != "refused_address":
            raise ValidationError(fault.detail) from fault
        text = _("Enter a public address. Private ones are read only in networks of CALENDAR_ALLOWED_CIDRS.")
        raise ValidationError(text) from fault
    validate_callback_url(url, settings.CALENDAR_ALLOWED_CIDRS)
    return url


@transaction.atomic
def put(person: Recipient, feed_settings: FeedSettings, *, by: Recipient) -> None:
    """Point the person's feed at a calendar. Absences of the previous one stay until the new one has been read."""
    feed = AbsenceFeed.objects.select_for_update().filter(pk=person.pk).first() or AbsenceFeed(recipient=person)
    point(feed, feed_settings.address)
    feed.takes, feed.delegate = feed_settings.takes, feed_settings.delegate
    feed.open_items, feed.give_back = feed_settings.open_items, feed_settings.give_back
    sign(feed, by, "")
    feed.save()
    wake()


def point(feed: AbsenceFeed, address: str) -> None:
    """Point the feed at this address, if it is not empty. The caller saves the row."""
    if address:
        feed.url, feed.host = address, (urlsplit(address).hostname or "")[:255]


def wake() -> None:
    transaction.on_commit(outbox.source_named(SOURCE_NAME).wake)


def remove(feed: AbsenceFeed, *, by: Recipient) -> None:
    """Delete the feed: its absences end."""
    sign(feed, by, "")
    feed.delete()


def look(url: str, zone: tzinfo, now: datetime) -> Mapping[str, list[Span] | Reason]:
    """Return the absences that each member of TakenEntries would take, or the reason why they cannot be read: an entry
    may repeat in an unsupported way. Raise Unreadable if no choice can be read."""
    by_choice = spans_by_choice(_body(url), TakenEntries.values, zone, now)
    whys = [each for each in by_choice if isinstance(each, Reason)]
    if len(whys) == len(by_choice):
        raise Unreadable(_for_people(whys[0], url))
    return dict(zip(TakenEntries.values, by_choice, strict=True))


def _body(url: str) -> str:
    """Return the calendar at a person's address. Raise Unreadable."""
    try:
        response = polling.fetch(url, settings.CALENDAR_ALLOWED_CIDRS, MAX_BODY, seconds=SECONDS)
    except Unreadable as fault:
        raise Unreadable(_for_people(fault.reason, url), fault.service_state, fault.reason) from fault
    assert response is not None  # no ETag was sent
    return polling.text_of(response)


SHOWN_CODES = {
    each.name
    for each in (
        reasons.FEED_TOO_LARGE,
        reasons.FEED_TOO_MANY,
        reasons.FEED_BROKEN,
        reasons.FEED_ODD_RULE,
        reasons.FEED_TOO_MUCH,
    )
}
"""Codes of a calendar's faults. All other reasons would reveal other services at an address."""


def _for_people(reason: Reason, url: str) -> Reason:
    """Return the reason, as a person may read it. The log has the original reason."""
    if reason.code in SHOWN_CODES:
        return reason
    log.info("absence_calendar_not_found", host=urlsplit(url).hostname, why=str(reason))
    return reasons.FEED_NOT_THERE()


# --- the outbox's source ----------------------------------------------------------------------------------------------
def _feeds() -> QuerySet[AbsenceFeed]:
    return AbsenceFeed.objects.filter(recipient__active=True)


def has_due(now: datetime) -> bool:
    return outbox.due(_feeds(), now).exists()


def has_late(before: datetime) -> bool:
    return polling.has_late(_feeds(), SOURCE_NAME, before)


def drain() -> None:
    polling.drain(_feeds(), SOURCE_NAME, EVERY, _read, lambda feed: feed.host, MIN_FAILING_FEEDS, _tell_of_failure)


def kinds() -> Sequence[Kind]:
    return [polling.kind(SOURCE_NAME, _feeds, lambda host: Q(host=host))]


def _read(feed: AbsenceFeed, now: datetime) -> None:
    """Read the feed's calendar, and store its absences. Raise Unreadable."""
    zone = zone_of(Recipient.objects.values_list("timezone", flat=True).get(pk=feed.pk))
    body = _body(feed.url)
    try:
        spans = spans_in(body, feed.takes, zone, now)
    except Unreadable as fault:
        raise Unreadable(_for_people(fault.reason, feed.url)) from fault
    with transaction.atomic():
        if outbox.postpone(feed, now + EVERY, told_at=None, **polling.was_read(now)):
            _keep(AbsenceFeed.objects.get(pk=feed.pk), spans)  # else the feed was changed, or another process reads it


def _keep(feed: AbsenceFeed, spans: list[Span]) -> None:
    """Store the spans. An unchanged absence keeps its row, and its handed-over items."""
    required = {span for span in (_after(span, feed.back_until) for span in spans) if span is not None}
    there = {Span(row.begins_at, row.ends_at): row.pk for row in feed.absences.select_for_update()}
    feed.absences.filter(pk__in=[pk for span, pk in there.items() if span not in required]).delete()
    CalendarAbsence.objects.bulk_create(
        CalendarAbsence(feed=feed, begins_at=span.begins_at, ends_at=span.ends_at) for span in required - there.keys()
    )


def _after(span: Span, back_until: datetime | None) -> Span | None:
    if back_until is None or span.begins_at >= back_until:
        return span
    return Span(back_until, span.ends_at) if span.ends_at > back_until else None


# --- stored absences --------------------------------------------------------------------------------------------------
def in_calendar_of(person: Recipient, now: datetime) -> QuerySet[CalendarAbsence]:
    """Return the person's current and coming absences by their calendar."""
    coming = CalendarAbsence.objects.filter(feed=person.pk, ends_at__gt=now).order_by("begins_at")
    return coming.select_related("feed__recipient", "feed__delegate")


def come_back(person: Recipient, now: datetime) -> None:
    """End the person's absence by their calendar: until its next entry, they are back."""
    feed = AbsenceFeed.objects.select_for_update().filter(pk=person.pk).first()
    current = feed.absences.filter(at(now)).first() if feed is not None else None
    if current is not None:
        AbsenceFeed.objects.filter(pk=person.pk).update(back_until=current.ends_at)
        current.delete()


# --- failures ---------------------------------------------------------------------------------------------------------
def _tell_of_failure(feed: AbsenceFeed, now: datetime) -> None:
    """Notify the person once, after the calendar has been unreadable for a day."""
    if feed.told_at is not None or feed.failing_since is None or now - feed.failing_since < TOLD_AFTER:
        return
    with transaction.atomic():
        if AbsenceFeed.objects.filter(pk=feed.pk, told_at=None).update(told_at=now):
            person = Recipient.objects.select_related("brand", "user").get(pk=feed.pk)
            current = AbsenceFeed.objects.get(pk=feed.pk)
            subject = NoticeSubject(type=TYPE, data={}, page=reverse("absences:calendar"), details={})
            system_notices.send(person, subject, lambda: _words(current, now), OWN_CALENDAR(), now)


def _words(feed: AbsenceFeed, now: datetime) -> Words:
    title = _("Your calendar cannot be read")
    placeholders: dict[str, Any] = {
        "host": feed.host,
        "time": moment(feed.failing_since or now, now),
        "why": reasons.words(feed, "fault"),
    }
    body = _("%(host)s: not read since %(time)s: %(why)s. Your known absences still count.") % placeholders
    return Words(title, body, short=body)


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain, has_late=has_late),)
