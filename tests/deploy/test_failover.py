"""Several hosts in DATABASE_URL: a new connection goes to the first that takes writes, as docs/operations says."""

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db.utils import ConnectionHandler

from tests.soak.servers import Servers
from tests.support.waiting import eventually
from wfpush.config.env import Environment

pytestmark = [pytest.mark.processes, pytest.mark.ci, pytest.mark.django_db]


def sockets_of(hosts: list[Servers]) -> list[str]:
    return [str(servers.postgres.where.sockets) for servers in hosts]


def connected_to(hosts: list[Servers]) -> str:
    """The sockets of the server that a process of wfpush reaches by this list."""
    names = quote(",".join(sockets_of(hosts)))
    address = f"postgresql://postgres@/wfpush?host={names}&target_session_attrs=read-write"
    handler = ConnectionHandler({"default": Environment({"DATABASE_URL": address}, Path()).database()})
    with closing(handler["default"]) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW unix_socket_directories")
        return str(cursor.fetchone()[0])


def test_new_connections_go_to_the_host_that_takes_writes() -> None:
    with Servers() as one, Servers() as another:
        hosts = [one, another]
        first, second = sockets_of(hosts)
        assert connected_to(hosts) == first

        with psycopg.connect(one.postgres.url, autocommit=True) as superuser:  # as a standby does
            superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            superuser.execute("SELECT pg_reload_conf()")
        eventually(lambda: connected_to(hosts) == second, "the other host is taken")

        with one.gone(one.postgres).lasting():
            assert connected_to(hosts) == second
