"""psycopg as Django's backend uses it, with connections that do not wait for ever."""

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import (
    Binary,
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)
from psycopg.abc import RV, PQGen
from psycopg.errors import (
    ReadOnlySqlTransaction,
    _WaitTimeout,  # the error of `wait`; psycopg has no public name for it
)

from wfpush.postgres.silence import silence

__all__ = [
    "Binary",
    "Connection",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "connect",
]

OperationalError = (psycopg.OperationalError, ReadOnlySqlTransaction)
"""Errors that Django raises as its OperationalError. A server that takes no writes cannot be used now, but psycopg
calls that an internal error."""

CANCEL_SECONDS = 1.0


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when an answer does not come in time: then the statement's result is unknown. The
    server is asked to cancel the statement, which would otherwise go on to its end, but not a COMMIT. A COMMIT that is
    cancelled while it waits for a standby is visible to everybody, and lost with the primary."""

    _commits = False

    def commit(self) -> None:
        self._commits = True
        try:
            super().commit()
        finally:
            self._commits = False

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None:  # psycopg's own, which it handles itself
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, silence.patience)
        except _WaitTimeout:
            silence.begin()
            if not self._commits:
                with suppress(Error):  # a server that hangs does not answer this either
                    self.cancel_safe(timeout=CANCEL_SECONDS)
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the database has not answered for {silence.patience:g} s") from None


connect = Connection.connect
