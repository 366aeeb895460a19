"""Restores the database after a transactional test to its state after the migrations, in milliseconds."""

from functools import cache
from typing import Any

from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

KEPT = ("django_content_type", "auth_permission")
"""Tables whose rows belong to the code and need not be made again after each test."""
SHELTER = "kept_for_tests"
"""The schema with copies of what migrations have written: the starter configuration and the groups."""

LOCK_SECONDS = 60
"""How long a lock is waited for. Without a limit the test would wait until its own, and not say for what."""

_sheltered: list[str] = []


def shelter() -> None:
    """Copy the rows of a database that has just been migrated."""
    _sheltered.clear()
    _statement.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SHELTER}")
        for table in connection.introspection.django_table_names(only_existing=True, include_views=False):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT EXISTS (SELECT FROM {name})")
            if table not in KEPT and cursor.fetchone() == (True,):
                cursor.execute(f"CREATE TABLE IF NOT EXISTS {SHELTER}.{name} AS TABLE {name}")
                _sheltered.append(name)


def flush(test: Any = None) -> None:
    """Empty some seventy small tables by DELETE; TRUNCATE, with its files, takes a second a test. In place of
    `TransactionTestCase._fixture_teardown`, whose command asks for all tables and their triggers each time."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_statement())
    except OperationalError as fault:
        if not isinstance(fault.__cause__, LockNotAvailable):
            raise
        raise AssertionError(f"A connection that the test left open holds locks: {_open_transactions()}") from fault


def _open_transactions() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name, state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        )
        return cursor.fetchall()


@cache
def _statement() -> str:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    names = [connection.ops.quote_name(table) for table in tables if table not in KEPT]
    deletes = "".join(f"DELETE FROM {name};" for name in names)
    inserts = "".join(f"INSERT INTO {name} SELECT * FROM {SHELTER}.{name};" for name in _sheltered)
    before = f"SET lock_timeout = '{LOCK_SECONDS}s';SET session_replication_role = replica;"
    return f"{before}{deletes}{inserts}RESET session_replication_role;RESET lock_timeout;"
