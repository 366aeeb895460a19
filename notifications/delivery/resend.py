"""Sends messages again that were given up, for operators at the desk."""

from datetime import datetime
from uuid import UUID

from notifications import reasons
from notifications.items import lifetime
from notifications.models import Delivery, DeliveryState, NotificationState
from wfpush.queue import outbox


def send_again(delivery_id: UUID, now: datetime) -> bool:
    """Try a dead delivery again. False when it is not dead or its notification is no longer open."""
    dead = Delivery.objects.filter(
        pk=delivery_id,
        state=DeliveryState.DEAD,
        notification__state__in=(NotificationState.OPEN, NotificationState.INFO),
    )
    revived = outbox.make_due(
        dead,
        now,
        state=DeliveryState.PENDING,
        created_at=now,
        ended_at=None,
        attempts=0,
        expires_at=now + lifetime.USUAL,
        **reasons.kept("reason", reasons.NOTHING),
    )
    if revived:
        outbox.wake_on_commit("deliveries")
    return bool(revived)
