"""Sends messages again that were given up."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from notifications.items import lifetime
from notifications.models import Delivery, DeliveryState, NotificationState
from notifications.types import Json
from wfpush.queue import outbox

MAY_BE_SENT = Q(state=DeliveryState.DEAD, notification__state__in=(NotificationState.OPEN, NotificationState.INFO))
"""Dead deliveries whose notification still asks or tells something."""
UNTAKEN = Q(state=DeliveryState.PENDING, due_at__isnull=False, lease_token=None, attempts=0)


def send_again(deliveries: QuerySet[Delivery], now: datetime) -> int:
    """Try the deliveries that match MAY_BE_SENT again. Return their number."""
    revived = outbox.make_due(
        deliveries,
        now,
        state=DeliveryState.PENDING,
        created_at=now,
        ended_at=None,
        attempts=0,
        expires_at=now + lifetime.USUAL,
        reason_fact=None,
    )
    if revived:
        outbox.wake_on_commit("deliveries")
    return revived


def put_back(before: Mapping[UUID, Json], now: datetime) -> set[UUID]:
    """Restore deliveries that were to be sent again. Return the keys of those that no dispatcher had taken. Call it in
    a transaction."""
    return outbox.end_untaken(Delivery.objects.filter(UNTAKEN), before)
