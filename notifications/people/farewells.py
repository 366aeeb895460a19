"""The last message to a device that was removed: it must delete what it shows and keeps of its person.

Otherwise a lost phone would go on showing items, with buttons that look as if they worked.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import translation

from notifications.items import lifetime
from notifications.models import Device, Farewell
from notifications.types import Message, PushAddress, PushMessage
from notifications.wording.languages import language_of, spoken
from notifications.wording.message import base_of, brand_of
from notifications.wording.sentences import say
from wfpush.queue import outbox

TAG = "removed"
AGAIN = outbox.Backoff(first=timedelta(seconds=2), most=timedelta(minutes=15), give_up_after=timedelta(days=1))
"""Pause between tries while a push service does not take it. After the time to live it is dropped."""


def tell(devices: Iterable[Device], now: datetime) -> None:
    """Send it to these devices soon. Their rows may be deleted before it is sent."""
    rows = [_row(device, now) for device in devices]
    Farewell.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        outbox.wake_on_commit("deliveries")


def _row(device: Device, now: datetime) -> Farewell:
    return Farewell(
        device=device.pk,
        recipient_id=device.recipient_id,
        channel=device.channel,
        address=device.address,
        address_kind=device.address_kind,
        digest=device.digest,
        p256dh=device.p256dh,
        auth=device.auth,
        sender=device.sender,
        platform=device.platform,
        language=device.language,
        created_at=now,
        **outbox.scheduled(now),
    )


def take_back(digest: str) -> None:
    """The address was registered again: what it shows from now on belongs to that person."""
    Farewell.objects.filter(digest=digest).delete()


def address_of(farewell: Farewell) -> PushAddress:
    return PushAddress(
        address=farewell.address,
        kind=farewell.address_kind,
        sender=farewell.sender,
        platform=farewell.platform,
        p256dh=farewell.p256dh,
        auth=farewell.auth,
    )


def message(farewell: Farewell, now: datetime) -> PushMessage:
    """The text that apps and browsers show which do not handle the message; it says nothing of the items."""
    recipient = farewell.recipient
    language = spoken(farewell.language) if farewell.language else language_of(recipient)
    with translation.override(language):
        title, body = say("removed_title"), say("removed_body")
    return PushMessage(
        kind="removed",
        message=Message(
            notification_id="",
            language=language,
            title=title,
            body=body,
            short_body=body,
            priority="normal",
            category="",
            actions=(),
            url="",
            facts=(),
            brand=brand_of(recipient.brand),
        ),
        tag=TAG,
        link=f"{base_of(recipient.brand)}/",
        token="",
        ttl=int(lifetime.KEPT_MOST.total_seconds()),  # a lost phone may be off for long
        at=now,
        state="info",
        unread=0,
        device=str(farewell.device),
    )


def ended(farewell: Farewell, again_at: datetime | None) -> None:
    """The device was told, or cannot be told: delete the row. With `again_at`, try again then."""
    if again_at is not None:
        outbox.postpone(farewell, again_at)
    else:
        outbox.held(farewell).delete()


def next_try(farewell: Farewell, now: datetime, retry_after: float | None) -> datetime | None:
    return AGAIN.next_at(farewell.attempts, farewell.created_at, now, retry_after)
