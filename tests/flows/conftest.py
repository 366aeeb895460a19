"""Every story begins in the same world."""

from collections.abc import Iterator
from datetime import time
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from notifications.models import Category, QuietHours, Recipient
from tests.support.receiver import receiving
from tests.support.world import World


@pytest.fixture
def world(settings: Settings, transactional_db: None) -> Iterator[World]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with receiving() as receiver:
        yield World.begin(receiver)


@pytest.fixture
def bob(world: World) -> Recipient:
    """In Berlin, with mails."""
    Category.objects.update(channels=["live", "email"])
    bob = Recipient.objects.get(ref="bob")
    bob.timezone = "Europe/Berlin"
    bob.save()
    return bob


@pytest.fixture
def night(bob: Recipient) -> QuietHours:
    return QuietHours.objects.create(recipient=bob, days=list(range(7)), begins=time(22), ends=time(7))
