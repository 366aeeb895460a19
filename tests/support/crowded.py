"""A PostgreSQL that takes no more connections."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from tests.support.read_only import url_of_test

Connections = list[psycopg.Connection[tuple[object, ...]]]


def take_connections(url: str) -> Connections:
    """All that are free; those kept for superusers, too, if the address is one's."""
    taken: Connections = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(url, connect_timeout=5))
    return taken


@contextmanager
def crowded_database() -> Iterator[None]:
    """That of this test."""
    taken = take_connections(url_of_test())
    try:
        yield
    finally:
        for each in taken:
            each.close()
