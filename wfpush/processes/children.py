"""A child process of a supervisor.

Each child leads a process group of its own, so that all processes it forked can be ended with it. Otherwise, when the
main or sentinel process of django-q2 is killed, its other processes would run on without a guard.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import IO, TextIO

import structlog

from wfpush.processes.heartbeats import VARIABLE as PULSES
from wfpush.processes.heartbeats import Pulses
from wfpush.processes.worker_registry import Registration
from wfpush.queue import lease_holder

COLOURS = (36, 33, 32, 35)
"""ANSI codes for the names of the processes on a terminal: cyan, yellow, green, magenta."""


class JoinedOutput:
    """Reads the pipes of the processes `names`, each in a thread of its own, and writes whole lines to `target`."""

    def __init__(self, names: Sequence[str], target: TextIO | None = None) -> None:
        self._target = target or sys.stdout
        self._width = max(map(len, names), default=0)
        self._colours = dict(zip(names, COLOURS * len(names), strict=False)) if self._target.isatty() else {}
        self._lock = threading.Lock()
        self._readers: list[threading.Thread] = []

    def read(self, name: str, pipe: IO[bytes]) -> None:
        """Print the lines of `pipe` until its last writer has closed it."""
        reader = threading.Thread(target=self._read, args=(name, pipe), name=f"output of {name}", daemon=True)
        reader.start()
        self._readers.append(reader)

    def finish(self, seconds: float) -> None:
        """Wait for the last lines of the processes, up to so many seconds for all of them."""
        until = time.monotonic() + seconds
        for reader in self._readers:
            reader.join(max(0.0, until - time.monotonic()))

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                with suppress(OSError):  # stdout is closed: read on, or the process would wait for us
                    self._print(name, line.decode(errors="replace").rstrip("\r\n"))

    def _print(self, name: str, line: str) -> None:
        prefix = f"{datetime.now():%H:%M:%S} {name:{self._width}} | "
        if name in self._colours:
            prefix = f"\033[{self._colours[name]}m{prefix}\033[0m"
        with self._lock:
            self._target.write(f"{prefix}{line}\n")
            self._target.flush()


log = structlog.get_logger(__name__)

LONGEST_PAUSE = 30.0
STEADY_SECONDS = 10.0
"""Seconds after which a child that dies is restarted at once. One that keeps dying waits longer each time."""


class Child:
    """A command of this Python, with its process group.

    `registration` registers each process of the child as a holder of leases; then pulses of its processes are checked.
    `output` gets the lines of the process; `on_start` is called after each start.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        registration: Registration | None = None,
        output: JoinedOutput | None = None,
        on_start: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self._command = [sys.executable, *command]
        self._environment = environment
        self._registration = registration
        self._output = output
        self._on_start = on_start
        self._pulses: Pulses | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self.pause = 0.0
        """Seconds from the end of the child's last process to the next start."""
        self._ending = threading.Lock()

    def is_due(self, now: float) -> bool:
        """Return whether the child does not run and its pause is over. `now`: seconds of a clock that never jumps."""
        return self._process is None and now >= self._start_at

    def start(self, now: float, environment: Mapping[str, str]) -> None:
        """Start the child with `environment` in addition to its own."""
        self._process = self._start({**os.environ, **environment, **self._environment})
        self._started_at = now
        if self._output is not None and self._process.stdout is not None:
            self._output.read(self.name, self._process.stdout)
        log.info("child_started", child=self.name, pid=self._process.pid)
        self._on_start()

    def _start(self, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        if self._registration is None:
            return self._popen(environment, ())
        self._pulses = Pulses()
        pulses = self._pulses.descriptor
        environment[PULSES] = str(pulses)
        holder = lease_holder.new_id()
        bound = lease_holder.claim(holder)
        if bound is None:
            return self._popen(environment, (pulses,))
        try:
            return self._popen(environment | {lease_holder.VARIABLE: holder}, (bound.fileno(), pulses))
        finally:
            self._registration.add(holder)
            bound.close()  # the child has inherited the socket, and passes it on to its forks

    def _popen(self, environment: dict[str, str], descriptors: Sequence[int]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=None if self._output is None else subprocess.PIPE,
            stderr=None if self._output is None else subprocess.STDOUT,
            process_group=0,
            pass_fds=descriptors,
        )

    def has_ended(self) -> bool:
        """Return whether the child's process has ended and was not collected yet.

        Looks without reaping: while the process is a zombie, its group's id cannot be used again.
        """
        if self._process is None:
            return False
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def hanging_process(self) -> int | None:
        """Return the id of a process of the child that hangs, or None. To be called SUPERVISE_SECONDS apart."""
        return self._pulses.look() if self._pulses is not None else None

    def collect(self, now: float) -> int:
        """Reap the process that has ended, kill the rest of its group, and set the time of its next start. Return its
        exit code."""
        code = self._end_group()
        steady = now - self._started_at >= STEADY_SECONDS
        self.pause = 0.0 if steady else min(LONGEST_PAUSE, self.pause * 2 or 0.5)
        self._start_at = now + self.pause
        return code

    def kill(self) -> None:
        """Kill the whole group at once, from any thread. The child counts as ended by itself."""
        with self._ending:
            self._kill_group()

    def ask_to_stop(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGTERM)  # `Popen.terminate` would reap it, if it has just ended

    def wait_stopped(self, until: float) -> None:
        """Wait for the child that was asked to stop, then kill the rest of its group."""
        if self._process is None:
            return
        while not self.has_ended() and time.monotonic() < until:
            time.sleep(0.02)
        self._end_group()

    def _end_group(self) -> int:
        """Kill the rest of the group, reap the process, and return its exit code."""
        with self._ending:
            assert self._process is not None
            self._kill_group()
            code = self._process.wait()
            self._process = None
        if self._pulses is not None:
            self._pulses.close()
            self._pulses = None
        return code

    def _kill_group(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                os.killpg(self._process.pid, signal.SIGKILL)
