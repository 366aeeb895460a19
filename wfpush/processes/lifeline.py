"""Lets child processes notice that their parent is dead, even after `kill -9` or with other processes in between.

The parent holds a POSIX lock on a file as long as it lives; the kernel releases it with the parent, and forked children
do not inherit it. A child waits for the lock in a thread of its own. This works where pids are reused, where a dead
parent stays a zombie, and where the clock jumps.
"""

import fcntl
import os
import runpy
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

VARIABLE = "WFPUSH_PARENT"
GRACE_SECONDS = 8.0


class Lifeline:
    """The parent's side. `environment` goes into the environment of its children."""

    def __init__(self) -> None:
        self._descriptor, name = tempfile.mkstemp(prefix="wfpush-parent-")
        self.path = Path(name)
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        self.environment = {VARIABLE: name}

    def close(self) -> None:
        """Release the lock: children that still follow stop."""
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def follow(on_death: Callable[[], None] | None = None) -> None:
    """Call `on_death` from a thread when the parent that started this process is dead; by default, stop this process.

    Does nothing in a process whose parent set no lifeline.
    """
    name = os.environ.pop(VARIABLE, "")
    if name:
        watch(Path(name), on_death or stop_this_process)


def watch(path: Path, on_death: Callable[[], None]) -> None:
    """Call `on_death` from a thread when the process that holds the lifeline `path` is dead."""
    threading.Thread(target=_wait, args=(path, on_death), daemon=True).start()


def _wait(path: Path, on_death: Callable[[], None]) -> None:
    with suppress(FileNotFoundError):  # else another child was faster and has removed the file
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        fcntl.lockf(descriptor, fcntl.LOCK_SH)
        path.unlink(missing_ok=True)
        os.close(descriptor)
    on_death()


def stop_this_process() -> None:
    """Send SIGTERM to this process; end it by force if it has not ended after a while."""
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":  # `python -m wfpush.processes.lifeline MODULE …` runs a module that has no lifeline itself
    follow()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
