"""Push messages in Firefox."""

from collections.abc import Callable

import pytest

from tests.browsers.conftest import needed
from tests.browsers.push.stories import PushStories
from tests.pushlab.browser import Browser
from tests.pushlab.firefox import Firefox
from tests.pushlab.people import Person
from tests.pushlab.service import Mozilla
from tests.pushlab.world import World
from tests.support.waiting import eventually

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def service(world: World) -> Mozilla:
    needed(Firefox.binary)
    return world.mozilla


@pytest.fixture(scope="module")
def new_browser(world: World) -> Callable[[str], Browser]:
    return world.firefox


class TestFirefox(PushStories):
    def test_when_the_push_service_has_lost_its_data_firefox_subscribes_anew_by_itself(
        self, world: World, service: Mozilla, bob: Person
    ) -> None:
        before = set(bob.endpoints)

        world.background.run(service.forget_everybody())

        eventually(lambda: set(bob.endpoints) - before, "Bob's new subscription is registered, with no tab open")
        world.installation.assign("Approve the tarpaulin", to="bob")
        bob.desktop.shows("Approve the tarpaulin")
