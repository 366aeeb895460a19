"""Pages of which a test wants what their template is given, not what it makes of it: that takes most of the time."""

from collections.abc import Iterator
from contextlib import contextmanager

_wanted = True


def are_wanted() -> bool:
    """Whether templates are rendered just now (conftest.py asks)."""
    return _wanted


@contextmanager
def contexts_alone() -> Iterator[None]:
    """Responses inside have their context, and an empty body."""
    global _wanted
    _wanted = False
    try:
        yield
    finally:
        _wanted = True
