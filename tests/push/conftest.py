"""A day at noon, a push service on loopback, and the story's people."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from pytest_django import Settings

from tests.push.books import Host
from tests.support.devices import push_host
from tests.support.engines import LOOPBACK
from tests.support.story import Story

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def host(settings: Settings, clock: time_machine.Traveller) -> Iterator[Host]:
    settings.PUSH_ALLOWED_CIDRS = LOOPBACK
    settings.PUSH_ALLOWED_HOSTS = ["127.0.0.1"]
    with push_host(Host) as started:
        started.clock = clock
        yield started


@pytest.fixture
def story(host: Host) -> Story:
    return Story.begin()
