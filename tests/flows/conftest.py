"""Every story begins in the same world."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from tests.support.receiver import receiving
from tests.support.world import World


@pytest.fixture
def world(settings: Settings, transactional_db: None) -> Iterator[World]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with receiving() as receiver:
        yield World.begin(receiver)
