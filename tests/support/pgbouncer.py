"""A real PgBouncer before a real PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.processes import free_ports
from tests.support.waiting import eventually
from wfpush.embedded.servers import Postgres, unprivileged_user

PROGRAM = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
"""Debian's package is `pgbouncer`; `.ci/run` installs it."""

SETTINGS = """
[databases]
wfpush = host={sockets} dbname={database} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
logfile = {folder}/log
"""


@contextmanager
def pgbouncer(server: Postgres, mode: str, size: int) -> Iterator[str]:
    """Its DATABASE_URL. `size` connections to the server serve everybody, handed on as `mode` says."""
    assert PROGRAM is not None
    info = psycopg.conninfo.conninfo_to_dict(server.url)
    names = {"sockets": info["host"], "database": info["dbname"], "user": info["user"]}
    with tempfile.TemporaryDirectory(prefix="wfpush-pgbouncer-") as folder:
        port = free_ports(1)
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(**names, port=port, mode=mode, size=size, folder=folder))
        as_root = ["-u", _give_away(folder)] if os.geteuid() == 0 else []
        program = subprocess.Popen([PROGRAM, "-q", *as_root, str(settings)], stderr=subprocess.DEVNULL)
        try:
            url = f"postgres://{info['user']}@127.0.0.1:{port}/wfpush"
            eventually(lambda: _answers(url), "PgBouncer answers")
            yield url
        finally:
            program.kill()  # asked to stop, it waits for its clients
            program.wait()


def _give_away(folder: str) -> str:
    """It refuses to run as root."""
    user = unprivileged_user()
    for path in (Path(folder), *Path(folder).iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return user.pw_name


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
