"""Checks whether the database and Redis take writes. If not, the result says why, and what to do.

A server that is full, read-only or a standby answers `SELECT 1` and PING as ever. So each check writes: at most once in
REMEMBERED_SECONDS for each process, however many probes ask.
"""

import threading
import time
from collections.abc import Callable

import psycopg
import redis
from django.db import connections
from psycopg.errors import UndefinedTable

from wfpush.postgres import driver
from wfpush.queue import outage, outbox

OK = "ok"
REMEMBERED_SECONDS = 5.0
CONNECT_SECONDS = 2
STATEMENT_MS = 3_000
KEY, KEY_MS = "wfpush:readyz", 10_000
WITHOUT_REDIS = "until then workers look for due work once a second, and live updates are late"

_WRITE = f"""
SET LOCAL statement_timeout = {STATEMENT_MS};
SET LOCAL synchronous_commit = local;
SET LOCAL work_mem = '64kB';
SELECT count(*) FROM generate_series(1, 20000);
INSERT INTO wfpush_writecheck (id, written_at) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET written_at = now();
"""
"""One transaction in one message. The row has its place already, so its update proves no free space. The series does:
with so little memory PostgreSQL writes it to a file. The COMMIT, which has no time limit, does not wait for a
standby."""
_WAITS_FOR_STANDBY = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND state_change < now() - interval '3 s')
"""
"""Returns whether sessions of our role wait for a standby."""

_DATABASE_REASONS = {
    "25006": "is read-only; set default_transaction_read_only to off, or let DATABASE_URL name another server",
    "53100": "has no disk space left; free some on its machine, or enlarge the disk",
    "53200": "has no memory left; look at what else runs on its machine",
    "53300": "takes no more connections; raise max_connections, or end others (docs/operations, Connections)",
    "57014": f"takes no write within {STATEMENT_MS / 1000:g} s; look for locks or a slow disk",
    "57P": "is starting or shutting down; wait, or look into its log",
    "58": "has a fault of its disk or system; look into its log",
}
"""Faults and remedies by beginnings of SQLSTATE."""

_CONNECTION_STATES = {
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "too many connections": "53300",
    "the database system is": "57P",
}
"""SQLSTATE by the server's words: libpq gives none for a connection that was refused."""

_REDIS_REASONS = (
    (redis.exceptions.OutOfMemoryError, "", "is full; raise its maxmemory, or remove keys of others"),
    (redis.exceptions.ReadOnlyError, "", "is a read-only replica; let REDIS_URL name the primary, or promote it"),
    (redis.exceptions.BusyLoadingError, "", "is loading its data; wait"),
    (redis.exceptions.AuthenticationError, "", "does not accept the password of REDIS_URL"),
    (redis.exceptions.ResponseError, "MISCONF", "cannot save to its disk; free some space there, or end its saving"),
    (redis.exceptions.ResponseError, "NOREPLICAS", "misses replicas (min-replicas-to-write); start them"),
)
"""Faults and remedies by type and the beginning of the message."""


class CachedCheck:
    """A check that is made again when its last result is older than REMEMBERED_SECONDS. For several threads."""

    def __init__(self, check: Callable[[], str]) -> None:
        self._check = check
        self._lock = threading.Lock()
        self._state = OK
        self._until = float("-inf")

    def __call__(self) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                self._state = self._check()
                self._until = time.monotonic() + REMEMBERED_SECONDS
            return self._state


def _write_to_database() -> str:
    """Write over a connection of its own: a request's would wait for a server that is away."""
    parameters = connections["default"].get_connection_params() | {"connect_timeout": CONNECT_SECONDS}
    try:
        with driver.connect(**parameters, autocommit=True) as own:
            if own.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
                return "is a standby and takes no writes; promote it, or let DATABASE_URL name the primary"
            own.execute(_WRITE.encode())
            if own.execute(_WAITS_FOR_STANDBY).fetchone() == (True,):
                return "waits for a standby; start it, or take it out of synchronous_standby_names"
    except UndefinedTable:
        return OK  # the schema has a check of its own
    except psycopg.Error as fault:
        return _database_reason(fault)
    return OK


def _database_reason(fault: psycopg.Error) -> str:
    text = str(fault)
    state = fault.sqlstate or next((state for words, state in _CONNECTION_STATES.items() if words in text), "")
    for beginning, reason in _DATABASE_REASONS.items():
        if state.startswith(beginning):
            return reason
    if state:
        return f"refuses a write ({type(fault).__name__}); look into its log"
    return f"does not answer ({type(fault).__name__}); start it, or correct DATABASE_URL"


def _write_to_redis() -> str:
    try:
        outbox.connection().set(KEY, 1, px=KEY_MS)
    except outage.REDIS_AWAY as fault:
        return f"{_redis_reason(fault)}: {WITHOUT_REDIS}"
    return OK


def _redis_reason(fault: Exception) -> str:
    for kind, beginning, reason in _REDIS_REASONS:
        if isinstance(fault, kind) and str(fault).startswith(beginning):
            return reason
    return f"does not answer ({type(fault).__name__}); start it, or correct REDIS_URL"


database_state = CachedCheck(_write_to_database)
redis_state = CachedCheck(_write_to_redis)
