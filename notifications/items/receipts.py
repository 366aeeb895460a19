"""Receipts: reports of services on messages after they took them, in the ledger.

A message that did not arrive after all is given up, and the next channel takes over. A service has a name for each part
of a message that it took. Its receipt and our record of the name may come in either order, from different processes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection, transaction

from notifications.items import ledger
from notifications.items.ledger import Outcome
from notifications.models import Delivery, DeliveryAttempt, DeliveryReceipt, DeliveryState
from notifications.reasons import NETWORK_DELIVERED, NETWORK_LOST, NETWORK_LOST_SAYS, Reason
from notifications.types import Receipt

log = structlog.get_logger(__name__)

_EXPECT = """
INSERT INTO notifications_deliveryreceipt AS known (channel, reference, delivery_id, code, created_at)
SELECT %s, reference, %s, '', %s FROM unnest(%s::text[]) AS said(reference)
ON CONFLICT (channel, reference) DO UPDATE SET delivery_id = excluded.delivery_id, created_at = excluded.created_at,
    arrived = CASE WHEN known.delivery_id IS NULL THEN known.arrived END,
    code = CASE WHEN known.delivery_id IS NULL THEN known.code ELSE '' END
"""
_NOTE = """
INSERT INTO notifications_deliveryreceipt AS known (channel, reference, arrived, code, created_at)
SELECT %s, reference, arrived, code, %s FROM unnest(%s::text[], %s::bool[], %s::text[])
    AS said(reference, arrived, code)
ON CONFLICT (channel, reference) DO UPDATE SET arrived = excluded.arrived, code = excluded.code
WHERE known.arrived IS NULL
RETURNING known.delivery_id
"""


def record_taken(outcome: Outcome, channel: str, references: Iterable[str], now: datetime) -> None:
    """Record the result of an attempt whose message the service took, with its names for it.

    A name that the service has used before belongs to this message from now on.
    """
    names = sorted({reference[:200] for reference in references if reference})
    with transaction.atomic():
        _lock([outcome.delivery])
        ended = ledger.record([outcome], now)
        if names and outcome.delivery in ended:
            DeliveryReceipt.objects.filter(delivery_id=outcome.delivery).delete()  # the message was sent again
            with connection.cursor() as cursor:
                cursor.execute(_EXPECT, [channel, outcome.delivery, now, names])
            _conclude([outcome.delivery], now)


def note(channel: str, receipts: Sequence[Receipt], now: datetime) -> None:
    """Record a receipt. The first one for a name counts; repeating it changes nothing."""
    by_reference = {receipt.reference[:200]: receipt for receipt in reversed(receipts) if receipt.reference}
    if not by_reference:
        return
    names = sorted(by_reference)  # in one order, against deadlocks
    with transaction.atomic():
        with connection.cursor() as cursor:
            outcomes = [by_reference[name].arrived for name in names]
            codes = [by_reference[name].code[:100] for name in names]
            cursor.execute(_NOTE, [channel, now, names, outcomes, codes])
            deliveries = {pk for (pk,) in cursor.fetchall() if pk is not None}
        if deliveries:
            _lock(sorted(deliveries))
            _conclude(deliveries, now)
    log.info("receipts_noted", channel=channel, receipts=len(names), known=len(deliveries))


def _lock(ids: Sequence[UUID]) -> None:
    """Lock these rows and all rows about the same news, in the usual order."""
    pairs = list(Delivery.objects.filter(pk__in=ids).values_list("notification_id", "event_id"))
    of_all = Delivery.objects.filter(
        notification_id__in=[notification for notification, _ in pairs], event_id__in=[event for _, event in pairs]
    )
    list(of_all.order_by("id").select_for_update().values_list("id", flat=True))


def _conclude(ids: Iterable[UUID], now: datetime) -> None:
    """Apply the receipts that have come to these rows. One part that did not arrive decides."""
    lost: set[tuple[UUID, UUID]] = set()
    for row in Delivery.objects.filter(pk__in=ids):
        parts = list(DeliveryReceipt.objects.filter(delivery=row).order_by("reference"))
        failed = next((part for part in parts if part.arrived is False), None)
        if failed is not None:
            reason = NETWORK_LOST_SAYS(words=failed.code) if failed.code else NETWORK_LOST()
            if _give_up(row, reason, now):
                lost.add((row.notification_id, row.event_id))
        elif parts and all(part.arrived for part in parts):
            _attempt_of(row, detail_fact=NETWORK_DELIVERED().as_json())
    for notification, event in lost:
        _revive_reserve(notification, event)
    ledger.take_over(lost, now)


def _give_up(row: Delivery, reason: Reason, now: datetime) -> bool:
    """Give up a delivered row. Return False if the row has ended in another way, or was given up before."""
    _attempt_of(row, succeeded=False, detail_fact=reason.as_json())
    queryset = Delivery.objects.filter(pk=row.pk, state=DeliveryState.DELIVERED)
    return bool(queryset.update(state=DeliveryState.DEAD, ended_at=now, reason_fact=reason.as_json()))


def _attempt_of(row: Delivery, **fields: object) -> None:
    last = DeliveryAttempt.objects.filter(delivery=row).order_by("-id").values("pk")[:1]
    DeliveryAttempt.objects.filter(pk__in=last).update(**fields)


def _revive_reserve(notification: UUID, event: UUID) -> None:
    """Return rows to the reserve that were never tried, and suppressed because the message counted as delivered."""
    never_tried = Delivery.objects.filter(
        notification_id=notification, event_id=event, state=DeliveryState.SUPPRESSED, turn__gt=0, attempts=0
    )
    never_tried.exclude(address="").update(state=DeliveryState.PENDING, ended_at=None, reason_fact=None)
