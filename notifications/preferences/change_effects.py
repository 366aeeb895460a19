"""The effects of changed preferences on messages that are held back: they are sent, or wait until another time.

Messages follow changes by others, too: of a person's time zone, brand or team, and of defaults. Triggers of the
database record the people concerned (`HeldReview`), for changes at the desk, by engines, imports and SQL. People are
reviewed one after the other: a team may have thousands.
"""

import time
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from notifications.models import Delivery, DeliveryState, Frequency, Held, HeldReview, Recipient
from notifications.preferences import delivery_decision
from notifications.preferences.lookup import Reading
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

MAX_MESSAGES = 5_000
"""Held messages of one person that are reviewed. Others are reviewed when they are due."""


@transaction.atomic
def apply(person: Recipient, now: datetime) -> None:
    """Apply the person's preferences to their held messages, in the transaction that saves these preferences."""
    held = Delivery.objects.filter(recipient=person, held__isnull=False, state=DeliveryState.PENDING)
    rows = held.filter(lease_token=None, due_at__gt=now, attempts=0).order_by("pk").select_for_update(of=["self"])
    chosen = Reading().of(person)
    for row in rows.select_related("notification__category")[:MAX_MESSAGES]:
        if row.held == Held.REPEATS and chosen.frequency(row.notification.category) == Frequency.REPEATS:
            continue
        wait = delivery_decision.wait_for(chosen, row.notification, now, critical=bool(row.critical))
        this = Delivery.objects.filter(pk=row.pk)
        if wait is None:
            outbox.make_due(this, now, reason_fact=None)
        elif wait.until != row.due_at:
            outbox.make_due(this, wait.until, held=wait.held, reason_fact=wait.reason.as_json())
    outbox.wake_on_commit("deliveries")


# --- the outbox's source ----------------------------------------------------------------------------------------------
SOURCE_NAME = "held_reviews"
LEASE = timedelta(minutes=2)
RETRY_AFTER = timedelta(minutes=5)
"""Time after which a review is tried again if it has failed, or ended its process."""
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
    """Review one person's messages. If preferences change meanwhile, the lease is lost, and the row stays."""
    outbox.delay(review, now + RETRY_AFTER)
    try:
        apply(Recipient.objects.get(pk=review.pk), now)
    except Exception as fault:  # a fault must not cost anybody else's messages
        if outage.database_is_away(fault):
            raise
        log.exception("held_not_reviewed", person=review.pk)
        outbox.postpone(review, now + RETRY_AFTER)
        return
    outbox.held(review).delete()


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
