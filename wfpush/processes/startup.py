"""Checks that web and worker make before they start.

Poolers such as PgBouncer may stand between us and PostgreSQL. Nothing of ours lives longer than a transaction on the
server: no session locks, no prepared statements (psycopg's are off, as Django sets `prepare_threshold`), no cursors, no
LISTEN, no temporary tables. Of settings only the time zone does, which PgBouncer keeps for each client. A pooler may
change the server connection between transactions, but not between the statements of a transaction.
"""

import structlog
from django.db import OperationalError, connection, transaction

from wfpush.postgres import schema
from wfpush.security import lost_secrets

log = structlog.get_logger(__name__)

SAMPLE = 50
"""The number of secrets of each kind, from either end, that are read at a start. `manage.py doctor` reads more."""


def check() -> None:
    """Check pooler, schema and secrets. Raises WrongPooling, WrongSchema. Lost secrets of single engines are only
    logged.

    Web and worker start also while the database does not answer: they wait for it, and `/readyz` checks again.
    """
    try:
        require_transactions()
        schema.require_current_schema()
        for fault in lost_secrets.faults(SAMPLE):
            log.error("secrets_unreadable", fault=fault)
    except OperationalError as fault:
        log.warning("database_not_looked_at", fault=str(fault).strip())
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one


PROTOCOL_VIOLATION = "08P01"
"""SQLSTATE of PgBouncer's answer to BEGIN with `pool_mode = statement`."""


class WrongPooling(Exception):
    """Raised for a pooler that takes no transactions. The message says what to do."""


def require_transactions() -> None:
    """Raise WrongPooling if the pooler refuses transactions, and OperationalError if the database does not answer."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError as fault:
        if getattr(fault.__cause__, "sqlstate", None) != PROTOCOL_VIOLATION:
            raise
        raise WrongPooling(
            "DATABASE_URL leads to a pooler that takes no transactions. Set its pool_mode to transaction or session"
            f" for this database, or name PostgreSQL itself. It said: {fault}".strip()
        ) from fault
