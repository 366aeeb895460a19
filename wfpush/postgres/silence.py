"""Notices that the database server is silent: it takes connections and statements, and never answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from psycopg import OperationalError
from psycopg.errors import ConnectionTimeout

log = structlog.get_logger(__name__)

TURN_SECONDS = 0.2
"""Seconds for which a thread waits for another thread's try to connect before it gives up."""


class Silence:
    """The state of the server: true while it is silent. `patience`: seconds that an answer may take; None: no limit."""

    def __init__(self) -> None:
        self.patience: float | None = None
        self._silent = False
        self._turn = threading.Lock()

    def __bool__(self) -> bool:
        return self._silent

    def begin(self) -> None:
        if not self._silent:
            log.error("database_silent")
        self._silent = True

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Guard a try to connect. While the server is silent one thread tries, and all others fail at once instead of
        being stuck as well. Raises psycopg's OperationalError."""
        alone = self._silent
        if alone and not self._turn.acquire(timeout=TURN_SECONDS):
            raise OperationalError("the database does not answer")
        try:
            yield
        except ConnectionTimeout:
            self.begin()
            raise
        else:
            if self._silent:
                log.info("database_answers_again")
            self._silent = False
        finally:
            if alone:
                self._turn.release()


silence = Silence()
"""The state of this process."""


def limit_waits() -> None:
    """Set the patience of processes that serve. Programs such as `migrate` may wait as long as it takes."""
    silence.patience = float(settings.DATABASE_TIMEOUT)
