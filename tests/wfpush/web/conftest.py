from collections.abc import Iterator

import pytest

from tests.support.wire import IMPATIENT, SERVER, served


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of ours whose application says how many bytes it was given."""
    yield from served(SERVER)


@pytest.fixture(scope="module")
def impatient() -> Iterator[int]:
    """One that waits for half a second."""
    yield from served(IMPATIENT)
