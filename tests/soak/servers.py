"""PostgreSQL and Valkey that nobody but the test starts again, to be taken away from an installation that uses them."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

import psutil
import psycopg

from tests.support import migrated, read_only
from wfpush.embedded import datafolder, shared_servers
from wfpush.embedded.servers import Postgres, Server, Valkey


@dataclass(frozen=True)
class Outage:
    """One way in which a server is away."""

    server: str
    how: str
    begin: Callable[[], None]
    end: Callable[[], None]

    @contextmanager
    def lasting(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()


class Servers:
    """A pair of servers in a folder of their own, used by their addresses. As a context: cleared at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.gettempdir()).resolve() / f"wfpush-servers-{uuid4().hex[:8]}"
        datafolder.prepare(self.folder, [])
        self.are_migrated = migrated.copy_to(self.folder)
        self.urls = shared_servers.ensure(self.folder)
        where = shared_servers.locate(self.folder)
        self.postgres, self.valkey = Postgres(where), Valkey(where)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.urls.database_url, "REDIS_URL": self.urls.redis_url}

    def gone(self, server: Server) -> Outage:
        """It refuses every connection."""
        return Outage(server.name, "gone", server.stop, server.ensure_running)

    def hanging(self, server: Server) -> Outage:
        """Its processes are stopped: it takes connections and statements, and answers nothing."""

        def tell(number: signal.Signals) -> None:
            for process in _processes(server):
                with suppress(psutil.NoSuchProcess):  # a backend may just have ended
                    process.send_signal(number)

        return Outage(server.name, "hanging", lambda: tell(signal.SIGSTOP), lambda: tell(signal.SIGCONT))

    def read_only(self) -> Outage:
        """Sessions that begin meanwhile keep this when it is over."""
        return Outage(
            self.postgres.name,
            "read-only",
            lambda: read_only.begin(self.postgres.url),
            lambda: read_only.end(self.postgres.url),
        )

    def standby(self) -> Outage:
        """The primary is started again as a standby, which is promoted in the end."""

        def begin() -> None:
            self.postgres.stop()
            signal_file = self.postgres.data / "standby.signal"
            signal_file.touch()
            self.postgres.own(signal_file)
            self.postgres.ensure_running()

        def end() -> None:
            with psycopg.connect(self.postgres.url) as own:
                own.execute("SELECT pg_promote()")

        return Outage(self.postgres.name, "standby", begin, end)

    def clear(self) -> None:
        if shared_servers.release(self.folder):
            migrated.give_back(self.folder)
        for folder in (
            shared_servers.locate(self.folder).base,
            shared_servers.locate(self.folder).sockets,
            self.folder,
        ):
            shutil.rmtree(folder, ignore_errors=True)


def _processes(server: Server) -> Iterator[psutil.Process]:
    """The main process first, so that it starts no other while they are gone through."""
    pid = server.recorded_pid()
    assert pid is not None, f"{server.name} does not run"
    main = psutil.Process(pid)
    yield main
    yield from main.children(recursive=True)
