"""A receiver on loopback, a subscription that sends it all events, and Bob's task."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.utils import timezone

from notifications.connectors import credentials
from notifications.connectors.signatures import new_private_key, new_secret
from notifications.event_subscriptions import sending
from notifications.event_subscriptions.models import EventSubscription, OutgoingKind, SigningScheme
from tests.admin.conftest import operator, root, world
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story

__all__ = ["operator", "root", "world"]
Subscribe = Callable[..., EventSubscription]


@pytest.fixture
def story(db: None) -> Story:
    cache.clear()
    return Story.begin()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def subscribe(receiver: Receiver) -> Subscribe:
    def subscribe(name: str = "Warehouse", **fields: Any) -> EventSubscription:
        kinds = fields.pop("kinds", OutgoingKind.values)
        row = EventSubscription.objects.create(name=name, **{"address": receiver.url, "kinds": kinds, **fields})
        plain = new_private_key() if row.signing == SigningScheme.V1A else new_secret()
        credentials.replace_secrets(row, plain, now=timezone.now())
        return row

    return subscribe


@async_to_sync
async def dispatch() -> None:
    """The dispatcher's turn, and its end: what is due goes out."""
    try:
        await sending._calls.drained()
    finally:
        await sending._calls.close()
