"""A worker's child processes.

Each leads a process group of its own, so that what it forked can be ended with it: a django-q2 whose main or sentinel
process was killed leaves the others running without a guard.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from wfpush.processes.worker_registry import Presence
from wfpush.queue import lease_holder

log = structlog.get_logger(__name__)

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 10.0
"""A child that ran this long and then dies is started again at once; one that keeps dying waits longer each time."""


class Child:
    """A child process with its process group, started again whenever it ends."""

    def __init__(self, name: str, arguments: Sequence[str], environment: dict[str, str], presence: Presence) -> None:
        self.name = name
        self._command = [sys.executable, str(MANAGE), *arguments]
        self._environment = environment
        self._presence = presence
        self._holder = ""
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
        self._process = self._start()
        self._started_at = now
        log.info("child_started", child=self.name, pid=self._process.pid)
        return True

    def _start(self) -> "subprocess.Popen[bytes]":
        self._holder = lease_holder.new_id()
        bound = lease_holder.claim(self._holder)
        held = {lease_holder.VARIABLE: self._holder} if bound is not None else {}
        try:
            return subprocess.Popen(
                self._command,
                env=os.environ | self._environment | held,
                stdin=subprocess.DEVNULL,
                process_group=0,
                pass_fds=[bound.fileno()] if bound is not None else [],
            )
        finally:
            if bound is not None:
                self._presence.began(self._holder)
                bound.close()  # the child has it, and whatever it forks

    def _has_ended(self) -> bool:
        """Look without reaping: while the child is a zombie its group cannot be anybody else's."""
        assert self._process is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _reap(self, now: float) -> None:
        assert self._process is not None
        self._signal_group(signal.SIGKILL)
        code = self._process.wait()
        self._presence.ended(self._holder)
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
        self._presence.ended(self._holder)
        self._process = None

    def _signal_group(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self._process.pid, number)
