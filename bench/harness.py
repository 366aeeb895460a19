"""The project's own processes on a data folder of their own, and what every benchmark needs around them."""

import asyncio
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

import aiohttp

from wfpush.config import env
from wfpush.embedded import datafolder, shared_servers
from wfpush.processes.lifeline import Lifeline

T = TypeVar("T")
Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
MANAGE = str(ROOT / "manage.py")
HOST = "127.0.0.1"
START_SECONDS = 90.0
LAST_LINES = 60
STOP_SECONDS = 20.0
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


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


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
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **(settings or {}),
        }
        self.api_key = ""
        self.database_url = ""
        self.redis_url = ""

    def __enter__(self) -> Self:
        allow_many_sockets()
        try:
            self.make_folder()
            servers = shared_servers.ensure(self.folder)
            self.database_url, self.redis_url = servers.database_url, servers.redis_url
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
        return self.start(f"manage.py {arguments[0]}", sys.executable, MANAGE, *arguments).finish()

    @contextmanager
    def running(self, name: str, *module: str) -> Iterator[Program]:
        """A module as a program on the same database and Redis, for as long as the block runs."""
        program = self.start(name, sys.executable, "-m", "wfpush.processes.lifeline", *module)
        try:
            yield program
        finally:
            program.stop()

    def stop_working(self) -> None:
        """From here on events are only accepted: the worker would share the machine with what is measured."""
        if self._worker is not None:
            self._worker.stop()

    def _close(self) -> None:
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
    """Whether a GET is answered with 200."""
    client = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        client.request("GET", path)
        return client.getresponse().status == 200
    except OSError:
        return False
    finally:
        client.close()


def fetch(port: int, path: str) -> bytes:
    """The body of the answer to a GET, whatever its status."""
    client = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        client.request("GET", path)
        return client.getresponse().read()
    finally:
        client.close()


def takes_calls(port: int) -> bool:
    """Whether something listens."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def allow_many_sockets() -> None:
    """As many open files as this user may have, here and in every process started from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# --- the public API -------------------------------------------------------------------------------
class Api:
    """The public API as the holder of a key sees it. Used within one event loop."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self._session = session
        self._url = f"{url}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def call(self, method: str, path: str, body: Json | list[Json] | None = None) -> Any:
        """The decoded answer. Raises BenchError if it is not a success."""
        request = self._session.request(method, self._url + path, json=body, headers=self._headers)
        async with request as response:
            text = await response.text()
            if response.status >= 300:
                raise BenchError(f"{method} {path}: {response.status} {text[:500]}")
            return json.loads(text) if text else None

    async def batch(self, events: Sequence[Json]) -> None:
        """Send events in one request (CloudEvents' batched mode). Raises BenchError unless all are accepted."""
        head = {**self._headers, "Content-Type": "application/cloudevents-batch+json"}
        body = json.dumps(list(events)).encode()
        async with self._session.post(f"{self._url}/events", data=body, headers=head) as response:
            if response.status != 202:
                raise BenchError(f"A batch was not accepted: {response.status} {(await response.text())[:500]}")

    async def token_for(self, ref: str, name: str) -> str:
        """A recipient token of a person, who is made if need be."""
        await self.call("PUT", f"/recipients/{ref}", {"name": name, "locale": "en"})
        token: str = (await self.call("POST", f"/recipients/{ref}/tokens", {}))["token"]
        return token


async def at_once(work: Iterable[Coroutine[Any, Any, T]], concurrency: int = 16) -> list[T]:
    """Run all of it, a bounded number at a time; returns the results in the order given."""
    gate = asyncio.Semaphore(concurrency)

    async def one(job: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await job

    return await asyncio.gather(*(one(job) for job in work))
