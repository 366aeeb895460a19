"""`manage.py worker`: one parent with the ticker and the watchdog, the django-q2 cluster and the dispatchers under it.

Each child leads a process group of its own, so that what it forked can be ended with it: a django-q2 whose main or
sentinel process was killed leaves the others running without a guard.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from wfpush import embedded
from wfpush.announce import announce
from wfpush.embedded_servers import EmbeddedError
from wfpush.lifeline import Lifeline, follow
from wfpush.postgres.silence import give_up_in_time
from wfpush.ticker import Ticker
from wfpush.watchdog import Watchdog

log = structlog.get_logger(__name__)

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
SUPERVISE_SECONDS = 0.25
REVIVE_SECONDS = 1.0
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""A child that ran this long and then dies is started again at once; one that keeps dying waits longer each time."""


class Child:
    """A child process with its process group, started again whenever it ends."""

    def __init__(self, name: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, str(MANAGE), *arguments]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._pause = 0.0

    def supervise(self, now: float) -> bool:
        """Start the child if it does not run and its pause is over. True when it was started."""
        if self._process is not None:
            if not self._has_ended():
                return False
            self._reap(now)
        if now < self._start_at:
            return False
        self._process = subprocess.Popen(
            self._command, env=os.environ | self._environment, stdin=subprocess.DEVNULL, process_group=0
        )
        self._started_at = now
        log.info("child_started", child=self.name, pid=self._process.pid)
        return True

    def _has_ended(self) -> bool:
        """Look without reaping: while the child is a zombie its group cannot be anybody else's."""
        assert self._process is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _reap(self, now: float) -> None:
        assert self._process is not None
        self._signal_group(signal.SIGKILL)
        code = self._process.wait()
        steady = now - self._started_at >= STEADY_SECONDS
        self._pause = 0.0 if steady else min(LONGEST_PAUSE, self._pause * 2 or 0.5)
        self._start_at = now + self._pause
        log.error("child_ended", child=self.name, code=code, again_in=self._pause)
        self._process = None

    def kill(self) -> None:
        """End the whole group at once; `supervise` starts it again."""
        if self._process is not None:
            self._signal_group(signal.SIGKILL)

    def ask_to_stop(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def wait_stopped(self, until: float) -> None:
        """Wait for the child that was asked to stop, then end what is left of its group."""
        if self._process is None:
            return
        while not self._has_ended() and time.monotonic() < until:
            time.sleep(0.02)
        self._signal_group(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _signal_group(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self._process.pid, number)


class Worker:
    """`grace` and `stall` in seconds: to finish in after SIGTERM, and without a task run before a restart."""

    def __init__(self, *, dispatchers: int, grace: float, stall: float, data_dir: Path | None) -> None:
        self._stop = threading.Event()
        self._grace = grace
        self._data_dir = data_dir
        self._lifeline = Lifeline()
        environment = self._lifeline.environment
        self._cluster = Child("cluster", ["cluster"], environment)
        names = ["dispatcher"] if dispatchers == 1 else [f"dispatcher {n + 1}" for n in range(dispatchers)]
        self._children = [self._cluster, *(Child(name, ["dispatcher"], environment) for name in names)]
        self._watchdog = Watchdog(stall)

    def run(self) -> None:
        """Supervise until SIGTERM, SIGINT or the parent's death."""
        give_up_in_time()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        follow(self._stop.set)
        threads = [threading.Thread(target=Ticker(self._stop).run, name="ticker")]
        threads.append(threading.Thread(target=self._watch, name="watchdog"))
        if self._data_dir is not None:
            threads.append(threading.Thread(target=self._keep_servers, args=(self._data_dir,), name="servers"))
        for thread in threads:
            thread.start()
        announce("READY=1")
        try:
            while not self._stop.is_set():
                self._supervise()
                self._stop.wait(SUPERVISE_SECONDS)
        finally:
            announce("STOPPING=1")
            self._stop.set()
            self._stop_children()
            for thread in threads:
                thread.join()
            self._lifeline.close()
            log.info("worker_stopped")

    def _supervise(self) -> None:
        for child in self._children:
            if child.supervise(time.monotonic()) and child is self._cluster:
                self._watchdog.excuse()

    def _stop_children(self) -> None:
        until = time.monotonic() + self._grace
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.wait_stopped(until)

    def _watch(self) -> None:
        def look() -> None:
            if self._watchdog.stalled():
                log.error("cluster_stalled", action="its processes are killed and started again")
                self._watchdog.excuse()
                self._cluster.kill()

        self._every(self._watchdog.beat_seconds, look)

    def _keep_servers(self, data_dir: Path) -> None:
        def look() -> None:
            try:
                if embedded.revive(data_dir):
                    log.warning("embedded_servers_revived")
            except EmbeddedError as fault:
                log.error("embedded_servers_down", fault=str(fault))

        self._every(REVIVE_SECONDS, look)

    def _every(self, seconds: float, look: Callable[[], None]) -> None:
        while not self._stop.is_set():
            look()
            self._stop.wait(seconds)
