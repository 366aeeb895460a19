"""How long transactions that do much together wait for a row that somebody else has locked.

PostgreSQL waits for as long as the other transaction takes. Work that is done in batches must not: everything in the
batch would wait with the one row that is concerned.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

FIRST_SECONDS = 2.0
"""Longer than the transactions of others take, unless something is wrong or one tells thousands of people."""

AGAIN_SECONDS = 0.2
"""For work that has been tried before, perhaps because it waited in vain."""

THEN_SECONDS = 0.05
"""Once a wait was in vain: whoever has the row has had it for long, and looking for the cause takes several tries."""

LOCK_NOT_AVAILABLE = "55P03"
"""SQLSTATE of a statement that was given up."""


class _Limit(threading.local):
    seconds: float | None = None


_limit = _Limit()


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Within, transactions that call `apply` wait for each lock so long at most, and THEN_SECONDS after one of them has
    waited in vain."""
    before, _limit.seconds = _limit.seconds, min(seconds, settings.DATABASE_TIMEOUT / 2)
    try:
        yield
    finally:
        _limit.seconds = before


def apply() -> None:
    """Limit the waits of the transaction that has begun, if this is within `limited`. Costs a statement."""
    if _limit.seconds is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {int(_limit.seconds * 1000)}")


def in_vain(fault: BaseException) -> bool:
    """Whether a statement was given up because somebody else had a row for too long. The next waits are short then."""
    if getattr(fault.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
        return False
    if _limit.seconds is not None:
        _limit.seconds = THEN_SECONDS
    return True
