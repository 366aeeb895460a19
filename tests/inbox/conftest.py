from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.utils import timezone, translation

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
