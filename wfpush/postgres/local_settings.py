"""Settings of PostgreSQL for a few statements, such as how long they may take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def with_settings(**settings: str) -> Iterator[None]:
    """Set these settings, by their names, for the statements of the block, and restore them after it.

    A statement that takes longer than `statement_timeout` (milliseconds) raises OperationalError, whose cause is
    psycopg's QueryCanceled. Outside the block the transaction goes on.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        before = {name: _set(cursor, name, value) for name, value in settings.items()}
        yield
        for name, value in before.items():
            _set(cursor, name, value)


def _set(cursor: Any, name: str, value: str) -> str:
    """Set a setting until the transaction ends. Return its value from before."""
    cursor.execute("SELECT current_setting(%s)", [name])
    before: str = cursor.fetchone()[0]
    cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
    return before
