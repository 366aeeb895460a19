"""Limits how long transactions of a batch wait for a row that another transaction has locked.

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
"""Seconds for work that has been tried before, perhaps because it waited in vain."""

THEN_SECONDS = 0.05
"""Seconds after one wait in vain: the lock has been held for long, and finding its row takes several tries."""

LOCK_NOT_AVAILABLE = "55P03"
"""SQLSTATE of a statement that was given up."""


class _Limit(threading.local):
    seconds: float | None = None


_limit = _Limit()


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Limit lock waits in the block's transactions that call `apply`. After one wait in vain the limit is
    THEN_SECONDS."""
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
    """Return whether a statement was given up because of a lock. Then the next waits are short."""
    if getattr(fault.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
        return False
    if _limit.seconds is not None:
        _limit.seconds = THEN_SECONDS
    return True
