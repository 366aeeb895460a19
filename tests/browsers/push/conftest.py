"""The world of push messages: an installation of its own, whose messages go to services on loopback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browsers.conftest import needed
from tests.pushlab.browser import Browser
from tests.pushlab.people import Person, reached
from tests.pushlab.service import PushService
from tests.pushlab.world import World
from tests.soak.installation import LONG

pytest.register_assert_rewrite("tests.browsers.push.stories")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In `make test` a story with a browser's name is told in that one."""
    elsewhere = [] if LONG else [item for item in items if _is_told_elsewhere(item)]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


def _is_told_elsewhere(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("told_in")
    return mark is not None and item.path.stem != f"test_{mark.args[0].lower()}"


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """For both browsers. It ends before the installation of the other tests begins."""
    needed(Path("/usr/bin/dbus-daemon"))
    found = World()
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def bob(world: World, service: PushService, new_browser: Callable[[str], Browser]) -> Iterator[Person]:
    with reached(world, "bob", new_browser("bob"), service) as bob:
        yield bob


@pytest.fixture(scope="module")
def carol(world: World, service: PushService, new_browser: Callable[[str], Browser]) -> Iterator[Person]:
    with reached(world, "carol", new_browser("carol"), service) as carol:
        yield carol
