"""An installation as docs/operations/processes.md describes it: roles of its own, two web processes, a worker."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.soak.installation import LONG
from tests.soak.servers import Servers
from tests.support.announcements import Announcements
from tests.support.processes import Command, House, free_ports
from tests.support.waiting import eventually

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SQL = DEPLOY / "database.sql"
WEB = DEPLOY / "wfpush-web@.service"


@dataclass
class Deployed:
    """`webs`: the web processes by their ports; None: it was never started."""

    servers: Servers
    house: House
    api_key: str = ""
    webs: dict[int, Command | None] = field(default_factory=dict)

    @property
    def dump(self) -> Path:
        """What the servers' database was like at the beginning."""
        return self.house.folder / "beginning.sql"

    def url(self, role: str, database: str = "wfpush") -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.servers.postgres.where.sockets))}"

    def program(self, name: str, *words: str, **environment: str) -> str:
        """Run one of PostgreSQL's programs, the wheel's."""
        found = str(self.servers.postgres.programs() / name)
        done = subprocess.run(
            [found, *words], capture_output=True, text=True, check=False, timeout=120, env=os.environ | environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make_database(self, name: str) -> None:
        """By the SQL that is shipped."""
        words = [f"--variable=database={name}", f"--file={SQL}", self.url("postgres", "postgres")]
        self.program("psql", "--no-psqlrc", *words, OWNER_PASSWORD="o'wner", PASSWORD="p")

    def fill_database(self) -> None:
        """As the owner of the tables, whose role `migrate` has. In `make test` with what `migrate` has made of another
        database: that takes half a minute."""
        if self.servers.are_migrated and not LONG:
            self.program(
                "psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--file={self.dump}", self.url("wfpush_owner")
            )
        migrated = self.house.run("migrate", "--verbosity=0", DATABASE_URL=self.url("wfpush_owner"))
        assert migrated.process.returncode == 0, migrated.said

    def start(self, *words: str, **environment: str) -> Command:
        """A service; returns when it has said that it is ready, as `systemctl start` does."""
        with Announcements() as said:
            command = self.house.start(*words, NOTIFY_SOCKET=said.address, **environment)
            assert said.next() == "READY=1", command.said
        return command

    def start_web(self, port: int) -> None:
        self.webs[port] = self.start("web", "--port", str(port))

    def run_webs(self) -> None:
        """Start those that do not run."""
        for port, web in list(self.webs.items()):
            if web is None or web.process.poll() is not None:
                self.start_web(port)

    def stop(self) -> None:
        """Everything but the servers, in order, as at a shutdown."""
        for command in self.house.commands:
            command.process.terminate()
        for command in self.house.commands:
            command.ends()
        eventually(lambda: self.connections() == 0, "nobody is connected")

    def restart_web(self, port: int) -> None:
        """As `systemctl restart` does, what the unit runs after the start included."""
        web = self.webs[port]
        assert web is not None
        web.signal(signal.SIGTERM)
        assert web.ends() == 0, web.said
        self.start_web(port)
        for line in WEB.read_text(encoding="utf-8").splitlines():
            if line.startswith("ExecStartPost="):
                subprocess.run(line.partition("=")[2].split(), check=True, timeout=30)

    def start_worker(self, *words: str, **environment: str) -> None:
        """Returns when it has run a task."""
        ((began,),) = self.house.rows("SELECT now()")
        self.start("worker", *words, **environment)
        beats = f"SELECT 1 FROM wfpush_heartbeat WHERE beat_at > '{began}'"
        eventually(lambda: bool(self.house.rows(beats)), "the worker runs tasks")

    def connections(self) -> int:
        """Of role wfpush, to the database."""
        with self.counting() as count:
            return count()

    @contextmanager
    def counting(self) -> Iterator[Callable[[], int]]:
        """Many looks at these connections, over one of our own."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as ours:

            def count() -> int:
                found = ours.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'wfpush'").fetchone()
                assert found is not None
                return int(found[0])

            yield count


@pytest.fixture(scope="package")
def deployed() -> Iterator[Deployed]:
    servers, house = Servers(), House()
    made = Deployed(servers, house)
    try:
        made.program("pg_dump", "--no-owner", "--no-privileges", f"--file={made.dump}", made.url("postgres"))
        made.program("dropdb", "--host", str(servers.postgres.where.sockets), "--username=postgres", "wfpush")
        made.make_database("wfpush")
        house.environment |= {
            "DATABASE_URL": made.url("wfpush"),
            "REDIS_URL": servers.urls.redis_url,
            "BASE_URL": "https://push.example.com",
            "ALLOWED_HOSTS": "push.example.com",
            "PROXY_COUNT": "1",
        }
        made.fill_database()
        engine = house.clerk().run("create_engine", "invoices")
        made.api_key = json.loads(engine.strip().splitlines()[-1])["api_key"]
        house.clerk().run("create_person", "bob", "--name", "Bob")
        house.dismiss_clerk()
        first = free_ports(2)
        made.webs = {first: None, first + 1: None}
        yield made
    finally:
        house.clear()
        servers.clear()
