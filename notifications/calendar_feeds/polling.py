"""Feeds are read when they are due, and tried again when they fail: what was read before stays until then."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.calendar_feeds.reading import Unreadable
from notifications.models import CalendarFeed
from notifications.reasons import Reason
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
WHILE_READ = timedelta(hours=1)
"""After which a feed is tried again whose reading has ended its process."""
TOO_MUCH_EVERY = timedelta(hours=6)
"""A calendar that takes all time or memory that it may is read this seldom."""

FeedT = TypeVar("FeedT", bound=CalendarFeed)


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
            pause = max(every, TOO_MUCH_EVERY) if why == reasons.FEED_TOO_MUCH() else every
            if outbox.postpone(feed, now + pause, failing_since=since, **reasons.kept("fault", why)):
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
