"""What follows from a change of what somebody has chosen: messages that are held back are sent, or wait until then."""

from datetime import datetime

from django.db import transaction

from notifications.models import Delivery, DeliveryState, Frequency, Held, Recipient
from notifications.preferences import holding
from notifications.preferences.chosen import Reading
from wfpush.queue import outbox

MOST = 5_000
"""Held messages of one person that are looked at. Others are looked at when they are due."""


@transaction.atomic
def apply(person: Recipient, now: datetime) -> None:
    """Called in the transaction that saves what the person has chosen."""
    held = Delivery.objects.filter(recipient=person, held__isnull=False, state=DeliveryState.PENDING)
    rows = held.filter(lease_token=None, due_at__gt=now, attempts=0).order_by("pk").select_for_update(of=["self"])
    chosen = Reading().of(person)
    for row in rows.select_related("notification__category")[:MOST]:
        if row.held == Held.REPEATS and chosen.frequency(row.notification.category) == Frequency.REPEATS:
            continue
        wait = holding.wait_for(chosen, row.notification, now, critical=bool(row.critical))
        this = Delivery.objects.filter(pk=row.pk)
        if wait is None:
            outbox.make_due(this, now, reason_fact=None)
        elif wait.until != row.due_at:
            outbox.make_due(this, wait.until, held=wait.held, reason_fact=wait.reason.as_json())
    outbox.wake_on_commit("deliveries")
