"""The last message to a device that was removed: the device must delete all that it shows and stores of its person.

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
COPIED = (
    *("recipient_id", "channel", "language"),
    *("address", "address_kind", "digest", "p256dh", "auth", "sender", "platform"),
)
"""Fields of the device that its farewell has too."""
BACKOFF = outbox.Backoff(first=timedelta(seconds=2), most=timedelta(minutes=15), give_up_after=timedelta(days=1))
"""Pause between tries while a push service does not take the message. After its time to live the message is dropped."""


def tell(devices: Iterable[Device], now: datetime) -> None:
    """Send the message to these devices soon. Their rows may be deleted before it is sent."""
    rows = [
        Farewell(
            device=device.pk,
            created_at=now,
            **{name: getattr(device, name) for name in COPIED},
            **outbox.scheduled(now),
        )
        for device in devices
    ]
    Farewell.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        outbox.wake_on_commit("deliveries")


def take_back(digest: str) -> None:
    """Drop the message to an address that was registered again, since the device now shows the new person's items."""
    Farewell.objects.filter(digest=digest).delete()


def address_of(row: Device | Farewell) -> PushAddress:
    """Return the address at which the device gets messages."""
    return PushAddress(
        address=row.address,
        kind=row.address_kind,
        sender=row.sender,
        platform=row.platform,
        p256dh=row.p256dh,
        auth=row.auth,
    )


def message(farewell: Farewell, now: datetime) -> PushMessage:
    """Return the text for apps and browsers that do not handle the message; it says nothing of the items."""
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
    """Delete the row: the device was notified, or cannot be. With `again_at`, try again then."""
    if again_at is not None:
        outbox.postpone(farewell, again_at)
    else:
        outbox.held(farewell).delete()


def next_try(farewell: Farewell, now: datetime, retry_after: float | None) -> datetime | None:
    return BACKOFF.next_at(farewell.attempts, farewell.created_at, now, retry_after)
