"""Other transactions that hold rows while a test goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model, QuerySet

LONG_SECONDS = 60.0
"""How long they would hold them, if nobody ended them before."""


def elsewhere(change: Callable[[], object]) -> threading.Thread:
    """Begin something in a thread and on a connection of its own."""

    def run() -> None:
        try:
            change()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@contextmanager
def locked(rows: Callable[[], QuerySet[Model]]) -> Iterator[None]:
    with under_way(lambda: list(rows().select_for_update())):
        yield


@contextmanager
def under_way(change: Callable[[], object]) -> Iterator[None]:
    """Somebody else's transaction, which has done that and does not end."""
    begun, over = threading.Event(), threading.Event()

    @transaction.atomic
    def hold() -> None:
        assert change()
        begun.set()
        over.wait(LONG_SECONDS)

    holder = elsewhere(hold)
    assert begun.wait(LONG_SECONDS)
    try:
        yield
    finally:
        over.set()
        holder.join()
