from collections.abc import AsyncIterator, Iterator

import pytest
from channels.db import database_sync_to_async
from django.core.cache import cache
from django.db import connections
from django.utils import timezone, translation

from tests.support.live_inbox import close_sockets_connections
from tests.support.story import Story


@pytest.fixture(autouse=True)
def as_strangers_find_it() -> Iterator[None]:
    """No test inherits a language or a zone that a request of another activated."""
    with translation.override("en"), timezone.override("UTC"):
        yield


@pytest.fixture
def story(db: None) -> Story:
    cache.clear()
    return Story.begin()


@pytest.fixture
async def no_connection_stays() -> AsyncIterator[None]:
    """The threads that ask the database outlive the sockets, and would keep their connections."""
    yield
    await database_sync_to_async(connections.close_all)()
    await close_sockets_connections()
