"""Writes rows of which no earlier state is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.conf import settings


@contextmanager
def unrecorded() -> Iterator[None]:
    """For the world in which a test begins: tests ask for earlier states of what they change in it themselves."""
    with patch.object(settings, "SIMPLE_HISTORY_ENABLED", False, create=True):
        yield
