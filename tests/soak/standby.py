"""A PostgreSQL that follows another one and confirms its commits, until it is promoted."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.soak.servers import Servers
from tests.support.waiting import eventually
from wfpush.embedded.servers import POSTGRES_USER, Postgres, ServerFolders

NAME = "db2"
CONFIRMS = "SELECT count(*) FROM pg_stat_replication WHERE application_name = %s AND sync_state = 'sync'"


class Standby:
    """As docs/operations/database.md describes it: in a folder of its own, with the data of `primary`."""

    def __init__(self, primary: Postgres, folder: Path) -> None:
        self._primary = primary
        self.postgres = Postgres(ServerFolders(folder, folder, primary.where.user))
        self.postgres.own(folder)

    def follow(self) -> None:
        """Copy the primary, follow it, and let its commits wait until they are here, too."""
        source = f"host={self._primary.where.sockets} user={POSTGRES_USER} application_name={NAME}"
        words = ["--write-recovery-conf", "--checkpoint=fast", "--pgdata", str(self.postgres.data)]
        self.postgres.run([str(self.postgres.programs() / "pg_basebackup"), f"--dbname={source}", *words], seconds=120)
        self.postgres.ensure_running()
        with psycopg.connect(self._primary.url, autocommit=True) as own:
            own.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'".encode())
            own.execute("SELECT pg_reload_conf()")
            eventually(lambda: own.execute(CONFIRMS, [NAME]).fetchone() == (1,), "the standby confirms commits")

    def promote(self) -> None:
        """It waits for no standby: the setting of the primary is not among its own."""
        with psycopg.connect(self.postgres.url) as own:
            own.execute("SELECT pg_promote()")
            waits_for = own.execute("SHOW synchronous_standby_names").fetchone()
        assert waits_for == ("",)


@contextmanager
def standby_of(servers: Servers) -> Iterator[Standby]:
    folder = Path(tempfile.gettempdir()).resolve() / f"wfpush-standby-{uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    made = Standby(servers.postgres, folder)
    try:
        made.follow()
        yield made
    finally:
        made.postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
