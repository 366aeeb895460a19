"""The output of several processes as one: `manage.py up` prints each line after the time and the process's name."""

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import IO, TextIO

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
                with suppress(OSError):  # nobody reads our output: read on, or the process would wait for us
                    self._print(name, line.decode(errors="replace").rstrip("\r\n"))

    def _print(self, name: str, line: str) -> None:
        prefix = f"{datetime.now():%H:%M:%S} {name:{self._width}} | "
        if name in self._colours:
            prefix = f"\033[{self._colours[name]}m{prefix}\033[0m"
        with self._lock:
            self._target.write(f"{prefix}{line}\n")
            self._target.flush()
