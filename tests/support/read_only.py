"""A database that takes no writes, although its server is no standby."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def begin(url: str) -> None:
    """For all sessions of the database that begin from now on; those that there are end."""
    _change(url, "SET default_transaction_read_only = on", _OTHERS)


def end(url: str) -> None:
    """For sessions that begin from now on. Those that there are keep it."""
    _change(url, "RESET default_transaction_read_only")


def _change(url: str, setting: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as own:
        for statement in (f'ALTER DATABASE "{own.info.dbname}" {setting}', *statements):
            own.execute(statement.encode())


def url_of_test() -> str:
    """The address of this test's database."""
    config = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        dbname=config["NAME"], user=config["USER"], host=config["OPTIONS"].get("host") or config["HOST"]
    )


@contextmanager
def read_only_database() -> Iterator[None]:
    """That of this test, which uses no transaction of pytest-django."""
    url = url_of_test()
    begin(url)
    try:
        yield
    finally:
        end(url)
        connection.close()
