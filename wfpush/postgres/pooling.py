"""Which poolers may stand between us and PostgreSQL (PgBouncer, for example).

Nothing here lives longer than a transaction on the server: no session locks, no prepared statements (psycopg's are off,
as Django sets `prepare_threshold`), no cursors, no LISTEN, no temporary tables; of settings only the time zone, which
PgBouncer keeps for each client. A pooler that changes the server connection between transactions is fine, one that does
so between the statements of a transaction is not.
"""

from django.db import OperationalError, connection, transaction

PROTOCOL_VIOLATION = "08P01"
"""SQLSTATE of PgBouncer's answer to BEGIN where `pool_mode = statement`."""


class WrongPooling(Exception):
    """The message says what to do."""


def require_transactions() -> None:
    """Raises WrongPooling where the pooler refuses transactions, and OperationalError while nobody answers."""
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
