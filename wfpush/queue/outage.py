"""Logs once that the database or Redis is away, and once that it is back, for all tasks and processes."""

import logging
import mmap

import redis
import structlog
from django.db.utils import InterfaceError, OperationalError

log = structlog.get_logger(__name__)

REDIS_AWAY = (redis.RedisError, OSError)


# SQLSTATEs of PostgreSQL, and of poolers before it, by their beginnings: connections, a server that takes no writes (a
# standby, for example), resources such as disk space, shutdowns, faults of the system such as those of a disk.
_AWAY = ("08", "25006", "53", "57P", "58")


def database_is_away(fault: BaseException | None) -> bool:
    """Return whether the database did not answer or takes no writes, as opposed to an error in the statement."""
    if not isinstance(fault, OperationalError | InterfaceError):
        return False
    state = getattr(fault.__cause__, "sqlstate", None)  # none if the server sent no error
    return state is None or state.startswith(_AWAY)


class Outage:
    """An outage of one part, for this process and those that it forks. They share a flag of what is logged."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._flag = mmap.mmap(-1, 1)

    def began(self, fault: BaseException) -> None:
        if not self._flag[0]:
            self._flag[0] = 1
            log.warning(f"{self._part}_away", fault=f"{type(fault).__name__}: {fault}".strip())

    def ended(self) -> None:
        if self._flag[0]:
            self._flag[0] = 0
            log.info(f"{self._part}_back")


database = Outage("database")
broker = Outage("broker")


class OutageLogFilter(logging.Filter):
    """Filter for django-q2's log, which has a traceback for each try while the database or Redis is away."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        if fault is not None and database_is_away(fault):
            database.began(fault)
            return False
        if isinstance(fault, redis.RedisError):
            broker.began(fault)
            return False
        return True
