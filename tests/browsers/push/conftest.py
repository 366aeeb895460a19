"""The world of push messages: an installation of its own, whose messages go to services on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsers.conftest import needed
from tests.pushlab.world import World

pytest.register_assert_rewrite("tests.browsers.push.stories")


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
