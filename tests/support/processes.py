"""The project's own processes, started as people start them, on a data folder of their own."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self
from uuid import uuid4

import psutil
import psycopg
import redis

from tests.support import migrated
from tests.support.clerk import Clerk
from tests.support.waiting import PATIENCE_SECONDS, eventually
from wfpush.config import env
from wfpush.embedded import datafolder, shared_servers

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("DATABASE_URL", "REDIS_URL", "BASE_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "EMAIL_URL", "VAPID_PRIVATE_KEY")


class Command:
    """A running `manage.py` command; what it says is kept in a file."""

    def __init__(
        self, arguments: list[str], environment: dict[str, str], before: Sequence[str] = (), checkout: Path = ROOT
    ) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the command
        self.process = subprocess.Popen(
            [*before, sys.executable, str(checkout / "manage.py"), *arguments],
            cwd=checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def said(self) -> str:
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), size, 0).decode(errors="replace")

    def says(self, text: str, *, within: float = PATIENCE_SECONDS) -> None:
        def look() -> bool:
            assert text in self.said or self.process.poll() is None, f"ended without {text!r}:\n{self.said}"
            return text in self.said

        try:
            eventually(look, f"it says {text!r}", within=within)
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.said}") from None

    def ends(self, *, within: float = PATIENCE_SECONDS) -> int:
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within:g} s:\n{self.said}") from None

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def family(self) -> list[psutil.Process]:
        """Its process, and all that it has started."""
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]


class House:
    """A data folder with a database, and the commands that run on it, of this checkout or of another. As a context, it
    is cleared at the end."""

    def __init__(self, checkout: Path = ROOT) -> None:
        self.checkout = checkout
        self.folder = Path(tempfile.gettempdir()).resolve() / f"wfpush-test-{uuid4().hex[:8]}"
        datafolder.prepare(self.folder, env.GENERATED)
        kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.environment = kept | {"WFPUSH_DATA": str(self.folder), "PYTHONPATH": os.pathsep.join(_path(checkout))}
        self.before: list[str] = []
        """Words before each command, such as those that give it a hosts file of its own."""
        self.is_migrated = False
        """Whether somebody has migrated the database that its DATABASE_URL names."""
        self.commands: list[Command] = []
        self._clerk: Clerk | None = None
        self._line: psycopg.Connection[tuple[object, ...]] | None = None
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def start(self, *arguments: str, **environment: str) -> Command:
        command = Command(list(arguments), self.environment | environment, self.before, self.checkout)
        self.commands.append(command)
        return command

    def run(self, *arguments: str, **environment: str) -> Command:
        command = self.start(*arguments, **environment)
        command.ends(within=120)
        return command

    def clerk(self, **environment: str) -> Clerk:
        """Runs commands that set something up, all with the environment of the first call."""
        if self._clerk is None:
            self._clerk = Clerk(self.environment | environment | {"DJANGO_SETTINGS_MODULE": "wfpush.settings"})
        return self._clerk

    def dismiss_clerk(self) -> None:
        """As long as it is there, it uses the embedded servers."""
        if self._clerk is not None:
            self._clerk.leave()
            self._clerk = None

    def migrate(self) -> None:
        """Its database as `manage.py migrate` makes it; a copy, if this test run has made one before."""
        if self.is_migrated:
            return
        if self.checkout == ROOT and not self.environment.get("DATABASE_URL") and migrated.copy_to(self.folder):
            return
        done = self.run("migrate", "--verbosity=0")
        assert done.process.returncode == 0, done.said

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What the embedded database says, over one connection for all questions: tests wait by asking again and again.
        Of a database with a URL, over a new one: those are counted."""
        if self.environment.get("DATABASE_URL"):
            with self.connection() as connection:
                return connection.execute(query.encode()).fetchall()
        with self._asking:
            if self._line is not None:
                with suppress(psycopg.OperationalError):  # the server was stopped or killed since the last question
                    return self._line.execute(query.encode()).fetchall()
                self._hang_up()
            self._line = self.connection(autocommit=True)
            return self._line.execute(query.encode()).fetchall()

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def connection(self, *, autocommit: bool = False) -> "psycopg.Connection[tuple[object, ...]]":
        """One of its own, which does not keep the servers up."""
        url = self.environment.get("DATABASE_URL") or shared_servers.Postgres(shared_servers.locate(self.folder)).url
        return psycopg.connect(url, connect_timeout=10, autocommit=autocommit)

    def change(self, statement: str) -> None:
        """Change the database directly, unknown to wfpush."""
        url = self.environment.get("DATABASE_URL") or shared_servers.ensure(self.folder).database_url
        with psycopg.connect(url, connect_timeout=10) as connection:
            connection.execute(statement.encode())
        if not self.environment.get("DATABASE_URL"):
            shared_servers.release(self.folder)

    @contextmanager
    def servers(self) -> Iterator[None]:
        """The embedded servers run within."""
        shared_servers.ensure(self.folder)
        try:
            yield
        finally:
            shared_servers.release(self.folder)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(shared_servers.Valkey(shared_servers.locate(self.folder)).url)

    def beat(self) -> object:
        """When a django-q2 cluster last ran a task."""
        return self.rows("SELECT max(beat_at) FROM wfpush_heartbeat")[0][0]

    def beats_again(self) -> None:
        before = self.beat()
        eventually(lambda: self.beat() != before, "the cluster runs tasks")

    def processes(self) -> list[psutil.Process]:
        """Every living process that was started for this folder, the servers included."""
        base = str(shared_servers.locate(self.folder).base)
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                    continue
                started_for_it = process.environ().get("WFPUSH_DATA") == str(self.folder)
                if started_for_it or any(base in word for word in process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def is_empty(self) -> bool:
        return not self.processes()

    def named(self, word: str) -> list[psutil.Process]:
        """The processes with a word in their command line."""
        found = []
        for process in self.processes():
            try:
                if word in process.cmdline():
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def leaves_nothing(self) -> None:
        """Every process ends; the last may still be on its way when its parent is gone."""
        try:
            eventually(self.is_empty, "no process is left")
        except AssertionError as fault:
            raise AssertionError(f"{fault}, but {[command_line(process) for process in self.processes()]}") from None

    def clear(self) -> None:
        """End what is left, and take the data away."""
        self.dismiss_clerk()
        self._hang_up()
        for command in self.commands:
            if command.process.poll() is None:
                _kill(command.process.pid)
                command.process.wait()
        eventually(self._killed, "no process is left")
        migrated.give_back(self.folder)
        for folder in (
            shared_servers.locate(self.folder).base,
            shared_servers.locate(self.folder).sockets,
            self.folder,
        ):
            shutil.rmtree(folder, ignore_errors=True)

    def _killed(self) -> bool:
        """Whether two looks in a row find no process: one that is just executing another program is invisible for a
        moment."""
        found = [process.pid for _ in range(2) for process in self.processes()]
        for pid in found:
            _kill(pid)
        return not found


def command_line(process: psutil.Process) -> list[str]:
    """Its words; none of a process that has ended, even if nobody has collected it yet."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _kill(pid: int) -> None:
    """Kill the whole process group, so that no member escapes by forking between the look and the signal."""
    with suppress(ProcessLookupError):
        group = os.getpgid(pid)
        if group == os.getpgrp():
            os.kill(pid, signal.SIGKILL)
        else:
            os.killpg(group, signal.SIGKILL)


def _path(checkout: Path) -> list[str]:
    return [str(checkout), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]


PORTS = range(10_000, 30_000)
"""Below those that systems give to outgoing connections: one of them may be taken before a server listens there."""


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports of 127.0.0.1 that were free a moment ago."""
    while True:
        first = random.choice(PORTS)
        if all(_is_free(first + number) for number in range(count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
