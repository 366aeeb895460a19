"""Messages that are held back follow what others have changed: a person's time zone, brand or team, and defaults.

Triggers of the database say whose messages these are (`HeldReview`), so a change at the desk, by an engine, by an
import or by SQL counts alike. Here they are looked at, one person after the other: a team may have thousands.
"""

import time
from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from notifications.models import HeldReview, Recipient
from notifications.preferences import saving
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "held_reviews"
LEASE = timedelta(minutes=2)
AGAIN = timedelta(minutes=5)
"""After which it is tried again if it has failed, or ended its process."""
AT_ONCE = 20


def has_due(now: datetime) -> bool:
    return outbox.due(HeldReview.objects.all(), now).exists()


def drain() -> None:
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        claimed = outbox.claim(HeldReview.objects.all(), limit=AT_ONCE, lease=LEASE, now=timezone.now())
        if not claimed:
            return
        for review in claimed:
            _look(review, timezone.now())
    outbox.source_named(SOURCE_NAME).wake()


def _look(review: HeldReview, now: datetime) -> None:
    """If something is changed meanwhile, the lease is lost, and the row stays."""
    outbox.delay(review, now + AGAIN)
    try:
        saving.apply(Recipient.objects.get(pk=review.pk), now)
    except Exception as fault:  # it must cost nobody else's messages
        if outage.database_is_away(fault):
            raise
        log.exception("held_not_reviewed", person=review.pk)
        outbox.postpone(review, now + AGAIN)
        return
    outbox.held(review).delete()


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
