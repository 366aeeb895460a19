"""An engine that takes webhooks on loopback, and a task of it that waits for Bob and Carol."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from tests.support.receiver import Receiver, receiving
from tests.support.story import Story


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def told(receiver: Receiver) -> Story:
    """Its engine is told at the receiver."""
    story = Story.begin()
    story.engine.callback_url = receiver.url
    story.engine.save()
    return story


@pytest.fixture
def story(told: Story) -> Story:
    told.assign(candidates=["bob", "carol"])
    return told
