"""Push messages in Chromium."""

from collections.abc import Callable

import pytest

from tests.browsers.conftest import cannot, needed
from tests.browsers.push.stories import PushStories
from tests.pushlab.browser import Browser
from tests.pushlab.chromium import Chromium
from tests.pushlab.gcm import Gcm
from tests.pushlab.world import World


@pytest.fixture(scope="module")
def service(world: World) -> Gcm:
    needed(Chromium.binary, Chromium.driver_binary)
    if world.without_gcm:
        cannot(world.without_gcm)
    return world.gcm


@pytest.fixture(scope="module")
def new_browser(world: World) -> Callable[[str], Browser]:
    return world.chromium


class TestChromium(PushStories):
    """The same stories."""
