"""Outdated messages: devices replace those that they show, and unsent ones are no longer needed.

In: notifications that have changed, or that need no message. Out: rows of the ledger that are due again, or
have ended.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from notifications import reasons
from notifications.items.ledger import run
from notifications.models import Delivery, DeliveryState
from notifications.reasons import Reason
from notifications.types import Json
from wfpush.queue import outbox

SETTLE = timedelta(milliseconds=500)
"""Time for which devices wait for further changes before the replacement: an answer and the engine's reply make one."""

_LOCK_SHOWN = """
SELECT id, notification_id, state = 'pending', lease_token IS NOT NULL AND device_id IS NOT NULL
FROM notifications_delivery
WHERE notification_id = ANY(%s)
  AND (state = 'pending' OR (device_id IS NOT NULL AND (state = 'delivered' OR (outdated AND lease_token IS NOT NULL))))
  AND (reason_fact IS NULL OR reason_fact->>'code' <> %s)
ORDER BY id FOR UPDATE
"""
"""The condition leaves out messages that were sent in a digest: no device shows them."""
_OUTDATE = f"""
UPDATE notifications_delivery SET outdated = true, {outbox.set_due("%s")}, {outbox.RELEASED}
WHERE id IN (SELECT DISTINCT ON (notification_id, device_id) id FROM notifications_delivery
             WHERE id = ANY(%s) ORDER BY notification_id, device_id, id DESC)
"""
_OUTDATE_UNDER_WAY = "UPDATE notifications_delivery SET outdated = true WHERE id = ANY(%s)"


def outdate(notification_ids: Sequence[UUID], now: datetime, *, unneeded: Mapping[UUID, Reason] | None = None) -> None:
    """Replace, after a moment, the old versions of these notifications that devices show.

    A message in flight shows the old version, too, and is replaced when it has arrived. Messages that are not claimed
    yet get the new version when they are. For notifications in `unneeded`, they are superseded with the reason there.
    """
    if not notification_ids:
        return
    waiting, under_way, shown = [], [], []
    for pk, notification, is_pending, is_under_way in run(
        _LOCK_SHOWN, [list(notification_ids), reasons.SENT_TOGETHER.name]
    ):
        if not is_pending:
            shown.append(pk)
        elif unneeded and notification in unneeded:
            waiting.append((pk, unneeded[notification]))
        elif is_under_way:
            under_way.append(pk)
    if shown:
        run(_OUTDATE, [now + SETTLE, shown])
    if under_way:
        run(_OUTDATE_UNDER_WAY, [under_way])
    _supersede(waiting, now)


_REWORD = """
UPDATE notifications_delivery SET words = said.words::jsonb
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS said(notification, channel, words)
WHERE notification_id = said.notification AND notifications_delivery.channel = said.channel AND state <> 'suppressed'
"""


def reword(words: Mapping[UUID, Mapping[str, Json]]) -> None:
    """Set the new texts of channels with texts of their own, by notification, in waiting messages and in
    replacements."""
    rows = [(pk, channel, json.dumps(text)) for pk, mine in words.items() for channel, text in mine.items()]
    if rows:
        run(_REWORD, [list(column) for column in zip(*rows, strict=True)])


_SUPERSEDE = f"""
UPDATE notifications_delivery
SET state = 'superseded', reason_fact = said.fact::jsonb, ended_at = %s,
    outdated = lease_token IS NOT NULL AND device_id IS NOT NULL,
    {outbox.set_due("CASE WHEN device_id IS NOT NULL THEN lease_until END")}, {outbox.RELEASED}
FROM unnest(%s::uuid[], %s::text[]) AS said(id, fact)
WHERE notifications_delivery.id = said.id AND state = 'pending'
"""


def supersede(notification_ids: Sequence[UUID], reason: Reason, now: datetime) -> None:
    """Supersede the messages about these notifications that were not sent yet.

    One in flight to a device may arrive nevertheless: it is replaced when its attempt has ended, at the latest at the
    end of its lease.
    """
    waiting = Delivery.objects.filter(notification_id__in=notification_ids, state=DeliveryState.PENDING)
    rows = waiting.order_by("id").select_for_update().values_list("id", flat=True)
    _supersede([(pk, reason) for pk in rows], now)


_HELD = """
SELECT id FROM notifications_delivery WHERE state = 'pending' AND lease_token IS NULL AND (notification_id, event_id) IN
    (SELECT notification_id, event_id FROM notifications_delivery
     WHERE notification_id = ANY(%s) AND held IS NOT NULL AND state = 'pending')
ORDER BY id FOR UPDATE
"""


def supersede_held(notification_ids: Collection[UUID], now: datetime) -> None:
    """Supersede held messages about these notifications, and their reserve, because newer messages are sent."""
    if notification_ids:
        _supersede([(pk, reasons.NEWER_MESSAGE()) for (pk,) in run(_HELD, [list(notification_ids)])], now)


def _supersede(rows: Sequence[tuple[UUID, Reason]], now: datetime) -> None:
    """Supersede locked rows."""
    if rows:
        facts = reasons.as_column(reason for _, reason in rows)
        run(_SUPERSEDE, [now, [pk for pk, _ in rows], facts])
