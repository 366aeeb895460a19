"""Fetches and reads feeds when they are due, and tries failed ones again; the last content stays until then.

Feeds at a server that does not answer are left alone, except for one now and then that tries it: each of them would
keep a worker waiting.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.calendar_feeds.content import begins_like_a_calendar
from notifications.calendar_feeds.reading import Unreadable
from notifications.models.calendar_feeds import CalendarFeed
from wfpush.net.addresses import Network
from wfpush.net.http import DEADLINE, Outbound, OutboundError, Response
from wfpush.observability import services
from wfpush.observability.services import AWAY, REFUSES, Kind, Service
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
WHILE_READ = timedelta(hours=1)
"""Time after which a feed is tried again if reading it has ended the process."""
LEFT_ALONE = timedelta(minutes=5)
"""Time after which a feed of a server without an answer is looked at again, unless the server answers before."""
TOO_MUCH_EVERY = timedelta(hours=6)
"""A calendar that takes all time or memory that it may is read this seldom."""

FeedT = TypeVar("FeedT", bound=CalendarFeed)


def drain(
    feeds: QuerySet[FeedT],
    source: str,
    every: timedelta,
    read: Callable[[FeedT, datetime], None],
    host_of: Callable[[FeedT], str],
    least: int,
    failed: Callable[[FeedT, datetime], None] = lambda feed, now: None,
) -> None:
    """Read due feeds. `read` raises Unreadable; `failed` is then called, once the failure is stored. `least`: the
    number of failing feeds at a host at which the host is at fault."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        claimed = outbox.claim(feeds, limit=1, lease=LEASE, now=timezone.now())
        if not claimed:
            return
        feed, now = claimed[0], timezone.now()
        service = source, host_of(feed)
        if services.is_left_alone(service, now):
            outbox.put_back(feed, now + LEFT_ALONE)
            continue
        outbox.delay(feed, now + WHILE_READ)
        fault = _fault_of(feed, now, read)
        if fault is not None:
            since = feed.failing_since = feed.failing_since or now
            pause = max(every, TOO_MUCH_EVERY) if fault.reason.code == reasons.FEED_TOO_MUCH.name else every
            if outbox.postpone(feed, now + pause, failing_since=since, fault_fact=fault.reason.as_json()):
                failed(feed, now)
        _report(service, fault, now, least)
    outbox.source_named(source).wake()


def _fault_of(feed: FeedT, now: datetime, read: Callable[[FeedT, datetime], None]) -> Unreadable | None:
    """Read the feed. Return its fault, or None."""
    try:
        read(feed, now)
    except Unreadable as fault:
        return fault
    except Exception as fault:  # no calendar's content may cost the reading of another
        if outage.database_is_away(fault):
            raise
        log.exception("calendar_not_read", kind=feed._meta.model_name, key=feed.pk)
        return Unreadable(reasons.crashed(fault))
    return None


# --- a server's answer ------------------------------------------------------------------------------------------------
def fetch(
    url: str, allowed: Sequence[Network], max_bytes: int, etag: str = "", *, seconds: float = DEADLINE
) -> Response | None:
    """Return the answer; None: unchanged since `etag`. Private networks only if in `allowed`. Raise Unreadable."""
    return asyncio.run(_fetch(url, allowed, max_bytes, etag, seconds))


async def _fetch(url: str, allowed: Sequence[Network], max_bytes: int, etag: str, seconds: float) -> Response | None:
    headers = {"Accept": "text/calendar"} | ({"If-None-Match": etag} if etag else {})
    async with Outbound(allowed, deadline=seconds, max_body=max_bytes) as door:
        try:
            response = await door.request("GET", url, headers=headers)
        except OutboundError as fault:
            raise Unreadable(reasons.not_reached(fault), "" if fault.permanent else AWAY) from fault
    if response.status == 304 and etag:
        return None
    if response.status != 200:
        refuses = response.status >= 500 or response.status == 429
        raise Unreadable(reasons.FEED_STATUS(status=response.status), REFUSES if refuses else "")
    if not begins_like_a_calendar(text_of(response)):
        raise Unreadable(reasons.FEED_NO_CALENDAR())
    if response.truncated:
        raise Unreadable(reasons.FEED_TOO_LARGE(limit=max_bytes // 1024))
    return response


def text_of(response: Response) -> str:
    return response.body.decode("utf-8", "replace").replace("\x00", "")


# --- servers of feeds ---------------------------------------------------------------------------------------------
def _report(service: Service, fault: Unreadable | None, now: datetime, least: int) -> None:
    """Report the state of the feed's server after a reading."""
    if fault is None or not fault.service_state:
        services.report_works(service, now, now)
        return
    source, host = service
    if services.kinds()[source].waiting(host).filter(failing_since__isnull=False).count() >= least:
        reason = reasons.with_text(fault.service_reason)
        services.report(service, fault.service_state, reason, timezone.now(), since=now)


def kind(source: str, feeds: Callable[[], QuerySet[FeedT]], of: Callable[[str], Q]) -> Kind:
    """Return the kind of the servers of these feeds, by their hosts."""

    def read_again(host: str, now: datetime) -> None:
        outbox.bring_forward(feeds().filter(of(host), failing_since__isnull=False, due_at__isnull=False), now)
        outbox.wake_on_commit(source)

    def rows() -> QuerySet[FeedT]:
        return feeds().filter(due_at__isnull=False)

    remedy = "Correct the address of the calendar, or repair its server."
    return Kind(source, _("Calendar server"), source, rows, of, read_again, names=tuple, remedy=remedy)


def has_late(feeds: QuerySet[FeedT], source: str, before: datetime) -> bool:
    """Return whether feeds are late for lack of workers. Feeds at servers that do not answer are not counted."""
    return outbox.due(services.without_held(feeds, source, timezone.now()), before).exists()


def was_read(now: datetime) -> dict[str, Any]:
    """Return the fields of a feed that was read."""
    return {"read_at": now, "failing_since": None, "fault_fact": None, "attempts": 0}
