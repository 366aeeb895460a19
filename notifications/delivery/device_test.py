"""Test messages to a device: requested here, sent by the dispatcher like any other, with the result on the device."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from notifications.items.representation import unread_counts
from notifications.models import Device
from notifications.types import Message, PushMessage
from notifications.wording.languages import language_of, spoken
from notifications.wording.message import brand_of
from wfpush.queue import outbox

TAG = "test"
TTL = 300
"""Seconds for which a push service keeps a test message: the person is looking at the screen."""


def ask(device: Device, now: datetime) -> None:
    """Request a test message for the device. An earlier request that was not sent yet counts as the same."""
    outbox.make_due(Device.objects.filter(pk=device.pk), now, attempts=0, last_fault_fact=None)
    outbox.wake_on_commit("deliveries")


def message(device: Device, now: datetime) -> PushMessage:
    """Return a test message in the device's language."""
    recipient = device.recipient
    language = spoken(device.language) if device.language else language_of(recipient)
    with translation.override(language):
        title, body = _("Notifications work here"), _("This is a test from %(brand)s. There is nothing to do.")
    brand = brand_of(recipient.brand)
    text = body % {"brand": brand["name"]}
    return PushMessage(
        kind="test",
        message=Message(
            notification_id="",
            language=language,
            title=title,
            body=text,
            short_body=text,
            priority="normal",
            category="",
            actions=(),
            url="",
            facts=(),
            brand=brand,
        ),
        tag=TAG,
        link=f"{brand['base_url']}/devices",
        token="",
        ttl=TTL,
        at=now,
        state="info",
        unread=unread_counts([recipient.pk]).get(recipient.pk, 0),
        device=str(device.pk),
    )


def still_waiting(devices: Sequence[Device]) -> list[Device]:
    """Read the devices again. Return those whose test message is neither sent nor given up."""
    return list(Device.objects.filter(pk__in=[device.pk for device in devices], due_at__isnull=False))
