"""Push messages in Chromium."""

from collections.abc import Iterator

import pytest

from tests.browsers.conftest import cannot, needed
from tests.browsers.push.stories import PushStories
from tests.pushlab.chromium import Chromium
from tests.pushlab.gcm import Gcm
from tests.pushlab.people import Person, reached
from tests.pushlab.world import World


@pytest.fixture(scope="module")
def service(world: World) -> Gcm:
    needed(Chromium.binary, Chromium.driver_binary)
    if world.without_gcm:
        cannot(world.without_gcm)
    return world.gcm


@pytest.fixture(scope="module")
def bob(world: World, service: Gcm) -> Iterator[Person]:
    with reached(world, "bob", world.chromium("bob"), service) as bob:
        yield bob


@pytest.fixture(scope="module")
def carol(world: World, service: Gcm) -> Iterator[Person]:
    with reached(world, "carol", world.chromium("carol"), service) as carol:
        yield carol


class TestChromium(PushStories):
    """The same stories."""
