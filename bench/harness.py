"""The project's own processes on a data folder of their own, and what every benchmark needs around them."""

import json
import math
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psycopg

from wfpush.config import env
from wfpush.embedded import datafolder, shared_servers
from wfpush.processes.lifeline import Lifeline

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
MANAGE = str(ROOT / "manage.py")
HOST = "127.0.0.1"
START_SECONDS = 90.0
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.05
LAST_LINES = 60
STOP_SECONDS = 20.0
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
OURS_ALONE = (
    "DATABASE_URL",
    "REDIS_URL",
    "BASE_URL",
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
    "EMAIL_URL",
    "VAPID_PRIVATE_KEY",
)
"""Environment variables that must not reach the measured processes."""


class BenchError(Exception):
    """The benchmark cannot go on; the message says why."""


# --- figures --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Figure:
    """One line of the table. `met` is None where there is no target; `ours` and `peer` where they were not measured."""

    what: str
    ours: float | None
    peer_is: str
    peer: float | None
    unit: str
    target: str = ""
    met: bool | None = None


def bounded(what: str, ours: float, unit: str, most: float) -> Figure:
    """A line without a peer, which is met by `most` or less."""
    return Figure(what, ours, "", None, unit, f"at most {most:,g} {unit}", ours <= most)


def compared(
    what: str, ours: float, peer_is: str, peer: float, unit: str, *, least: float = 0.0, most: float = math.inf
) -> Figure:
    """A line that is met by at least, or by at most, so many times the peer."""
    bar = f"at least {least:g}" if least else f"at most {most:g}"
    return Figure(what, ours, peer_is, peer, unit, f"{bar} times the peer", least * peer <= ours <= most * peer)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def until(is_reached: Callable[[], object], what: str, within: float = PATIENCE_SECONDS) -> None:
    """Look again and again. Raises BenchError with `what` after so many seconds."""
    end = time.monotonic() + within
    while not is_reached():
        if time.monotonic() > end:
            raise BenchError(f"Not within {within:g} s: {what}.")
        time.sleep(LOOK_SECONDS)


# --- processes ------------------------------------------------------------------------------------
class Program:
    """A process of the benchmark's own; what it says is kept, and shown when it fails."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str]) -> None:
        self.name = name
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the program
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def said(self) -> str:
        """Nothing of one that was stopped."""
        if self._said.closed:
            return ""
        return os.pread(self._said.fileno(), os.fstat(self._said.fileno()).st_size, 0).decode(errors="replace")

    def wait_until(self, ready: Callable[[], bool], what: str, within: float = START_SECONDS) -> None:
        """Raises BenchError with the program's last words when it ends, or takes too long."""
        end = time.monotonic() + within
        while not ready():
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} has ended before {what}:\n{self._last_words()}")
            if time.monotonic() > end:
                raise BenchError(f"{self.name}: not {what} within {within:g} s:\n{self._last_words()}")
            time.sleep(0.05)

    def finish(self, within: float = START_SECONDS) -> str:
        """Wait for its end and return what it said. Raises BenchError unless it succeeded."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name} still runs after {within:g} s:\n{self._last_words()}") from None
        if code:
            raise BenchError(f"{self.name} failed:\n{self._last_words()}")
        return self.said

    def pin(self, core: int) -> None:
        """Keep it on one processor core, where the system can."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self.process.pid, [core])

    def _last_words(self) -> str:
        return "\n".join(self.said.splitlines()[-LAST_LINES:])

    def ask_to_stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        """End its whole session, after STOP_SECONDS by force."""
        if self._said.closed:
            return
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._said.close()


class House:
    """web and worker of this checkout, with embedded servers, an engine and its key. A context manager.

    `environment` is for further programs that are to use the same database and Redis. `works=False`: without worker.
    `settings` are further ones, of wfpush and of these programs.
    """

    def __init__(self, *, works: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self.works = works
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="wfpush-bench-"))
        self._programs: list[Program] = []
        self.lasting: list[Program] = []
        """Web and worker."""
        self._worker: Program | None = None
        kept = {name: value for name, value in os.environ.items() if name not in OURS_ALONE}
        self._lifeline = Lifeline()
        self.environment = kept | self._lifeline.environment
        self.environment |= {
            "WFPUSH_DATA": str(self.folder),
            "BASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "wfpush.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **(settings or {}),
        }
        self.api_key = ""
        self.database_url = ""
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        allow_many_sockets()
        try:
            self.make_folder()
            servers = shared_servers.ensure(self.folder)
            self.database_url = servers.database_url
            self.environment |= {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
            self.manage("migrate", "--verbosity=0")
            self.api_key = json.loads(self.manage("create_engine", "bench").strip().splitlines()[-1])["api_key"]
            web = self.start("web", sys.executable, MANAGE, "web", "--host", HOST, "--port", str(self.port))
            self.lasting.append(web)
            web.wait_until(lambda: answers(self.port, "/healthz"), "up")
            if self.works:
                self._worker = self.start("worker", sys.executable, MANAGE, "worker", "--grace", "3")
                self.lasting.append(self._worker)
                self._worker.wait_until(lambda: answers(self.port, "/readyz"), "at work")
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(fault, BenchError):
            self._tell_last_words()
        self._close()

    def _tell_last_words(self) -> None:
        """What web and worker have said besides their requests: why one was answered with 500, for example."""
        for program in self.lasting:
            said = [line for line in program.said.splitlines() if "request_" not in line]
            print(f"{program.name}:", *said[-LAST_LINES:], sep="\n", file=sys.stderr)

    def make_folder(self) -> None:
        """With secrets in it, and nothing yet that is served."""
        datafolder.prepare(self.folder, env.GENERATED)

    def start(self, name: str, *command: str, **environment: str) -> Program:
        """A program that is stopped with the house, at the latest when this process is gone."""
        program = Program(name, command, self.environment | environment)
        self._programs.append(program)
        return program

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py to its end and return what it said."""
        return self.start(f"manage.py {arguments[0]}", sys.executable, MANAGE, *arguments).finish(PATIENCE_SECONDS)

    def inside(self, module: str, *words: str, within: float = START_SECONDS, **environment: str) -> Any:
        """What `main` of a module of the bench returns that needs Django (bench/inside.py)."""
        program = self.start(module, sys.executable, "-m", "bench.inside", module, *words, **environment)
        return json.loads(program.finish(within).strip().splitlines()[-1])

    @contextmanager
    def running(self, name: str, *module: str, settings: str) -> Iterator[Program]:
        """A peer's program on the same database and Redis, for as long as the block runs."""
        command = (sys.executable, "-m", "wfpush.processes.lifeline", *module)
        program = self.start(name, *command, DJANGO_SETTINGS_MODULE=settings)
        try:
            yield program
        finally:
            program.stop()

    @contextmanager
    def daphne(self, application: str, settings: str) -> Iterator[int]:
        """A peer's ASGI application on daphne, for as long as the block runs. Yields its port."""
        port, options = free_port(), ("-v", "0", "-b", HOST)
        with self.running("peer", "daphne", *options, "-p", f"{port}", application, settings=settings) as web:
            web.wait_until(lambda: takes_calls(port), "up")
            yield port

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        if self._connection is None:
            self._connection = psycopg.connect(self.database_url, autocommit=True)
        cursor = self._connection.execute(query.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: object) -> Any:
        return self.rows(query, *values)[0][0]

    def stop_working(self) -> None:
        """From here on events are only accepted: the worker would share the machine with what is measured."""
        if self._worker is not None:
            self._worker.stop()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        for program in self._programs:
            program.ask_to_stop()
        for program in reversed(self._programs):
            program.stop()
        self._lifeline.close()
        if datafolder.was_made(self.folder):
            shared_servers.release(self.folder)
            self.remove_servers()
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_servers(self) -> None:
        """Their data, when they have stopped."""
        where = shared_servers.locate(self.folder)
        for folder in (where.base, where.sockets):
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str) -> bool:
    """Whether a GET is answered with success."""
    try:
        fetch(port, path)
    except OSError:  # HTTPError is one
        return False
    return True


def fetch(port: int, path: str) -> bytes:
    """The body of the answer to a GET. Raises OSError where there is none, or no success."""
    with NO_PROXY.open(f"http://{HOST}:{port}{path}", timeout=10) as response:
        body: bytes = response.read()
        return body


def takes_calls(port: int) -> bool:
    """Whether something listens."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def allow_many_sockets() -> None:
    """As many open files as this user may have, here and in every process started from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
