"""The processes of `manage.py up` under one parent, which honcho runs and whose output it joins."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from honcho.manager import Manager
from honcho.process import Process

from wfpush.processes import lifeline

PATIENCE_SECONDS = 8.0
"""For a child to stop by itself after its parent died."""

STOPPED_ON_REQUEST = {130, 143}
"""What honcho returns after SIGINT and SIGTERM."""


Watcher = Callable[[threading.Event], None]
"""Gets the event that is set when all is over."""


class Runner(Process):  # type: ignore[misc]
    """honcho's process between the parent and a child. It would outlive a killed parent, and wait for ever to pass
    on what the child still says; so it ends with the parent, after the child."""

    def __init__(self, cmd: str, *, parent: lifeline.Lifeline, **options: Any) -> None:
        super().__init__(cmd, **options)
        self._parent = parent.path

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        lifeline.watch(self._parent, self._end)
        super().run(events, ignore_signals)

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(PATIENCE_SECONDS)
            os.killpg(self._child.pid, signal.SIGKILL)
        os._exit(1)


class Stack(Manager):  # type: ignore[misc]
    """Starts its processes, and watchers in threads after them: no fork while a thread runs.

    `under`: the module that starts each process, given its name and command; None: nothing lies between.
    """

    def __init__(self, parent: lifeline.Lifeline, watchers: Sequence[Watcher], under: str | None) -> None:
        super().__init__()
        self._parent = parent
        self._watchers = [*watchers]
        self._under = under
        self._over = threading.Event()
        self._process_ctor = self._runner

    def _runner(self, cmd: str, **options: Any) -> Runner:
        return Runner(cmd, parent=self._parent, **options)

    def add(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Add a command of this Python."""
        between = ["-m", self._under, name] if self._under else []
        words = shlex.join([sys.executable, *between, *command])
        self.add_process(name, f"exec {words}", env={**os.environ, **self._parent.environment, **environment})

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    def run(self) -> int:
        """Run until SIGINT, SIGTERM or the end of any process. Returns 0 if asked to stop, else 1."""
        try:
            self.loop()
        finally:
            self._over.set()
        return 0 if self.returncode in STOPPED_ON_REQUEST else 1

    def _start(self) -> None:
        super()._start()
        for watcher in self._watchers:
            threading.Thread(target=watcher, args=(self._over,), daemon=True).start()
