"""Statements whose results nobody waits for: PostgreSQL works on one while this process makes the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def pipelined() -> Iterator[None]:
    """Within, a statement is sent and not waited for (psycopg's pipeline mode). To be used inside a transaction.

    A fault is raised by a later statement, or at the end. How many rows a statement has changed is not known, which
    Django's `save` and `update` rely on: use `wfpush/postgres/bulk.py`, or SQL.
    """
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors, raw.pipeline():
        yield
