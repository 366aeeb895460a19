"""Holds back due messages where a channel asks for it: nobody gets a message twice, or too many."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from notifications.channels import registry
from notifications.channels.base import PersonChannel
from notifications.items import ledger
from notifications.items.ledger import Outcome
from notifications.models import Delivery, DeliveryAttempt, DeliveryReceipt, DeliveryState, Recipient
from notifications.reasons import MAY_HAVE_ARRIVED, TOO_MANY_AN_HOUR
from wfpush.identifiers import lowest_id

HOUR = timedelta(hours=1)
LOOKED_BACK = timedelta(days=7)
"""Deliveries older than this are no longer sent."""

TAKEN = ~Q(succeeded=False) | Exists(DeliveryReceipt.objects.filter(delivery=OuterRef("delivery")))
"""Attempts whose message the service took, whatever became of it."""


def held_back(delivery: Delivery, has_reserve: bool, now: datetime) -> Outcome | None:
    """How a claimed message ends or waits that is not to be sent now; None: send it.

    Called in the transaction that then records the attempt: it locks the person, so that two processes count one after
    the other.
    """
    channel = registry.channels().get(delivery.channel)
    if not isinstance(channel, PersonChannel):
        return None
    if channel.never_twice and _may_have_arrived(delivery):
        return ledger.outcome(delivery, DeliveryState.DEAD, MAY_HAVE_ARRIVED(), attempted=False)
    most = channel.most_an_hour()
    again = _next_in_turn(delivery, most, now) if most else None
    if again is None:
        return None
    reason = TOO_MANY_AN_HOUR(most=most)
    if has_reserve:
        return ledger.outcome(delivery, DeliveryState.SUPPRESSED, reason, attempted=False)
    return ledger.outcome(delivery, DeliveryState.PENDING, reason, again_at=again, attempted=False)


def _may_have_arrived(delivery: Delivery) -> bool:
    """Whether an attempt was begun since the message was last made due, and its result is unknown: its process was
    killed."""
    begun = DeliveryAttempt.objects.filter(delivery=delivery, number__lt=delivery.attempts, ended_at=None)
    return delivery.attempts > 1 and begun.filter(started_at__gte=delivery.created_at).exists()


def _next_in_turn(delivery: Delivery, most: int, now: datetime) -> datetime | None:
    """When the person may get another one; None: now. Messages that the service did not take are not counted."""
    Recipient.objects.select_for_update(no_key=True).filter(pk=delivery.recipient_id).values("pk").first()
    begun = (
        DeliveryAttempt.objects.filter(
            TAKEN | Q(succeeded=None),
            delivery__recipient=delivery.recipient_id,
            delivery__channel=delivery.channel,
            delivery__pk__gte=lowest_id(now - LOOKED_BACK),
            started_at__gt=now - HOUR,
        )
        .order_by("-started_at")
        .values_list("started_at", flat=True)[:most]
    )
    times = list(begun)
    return times[-1] + HOUR if len(times) == most else None
