"""`python -m tools.restarting NAME COMMAND…`: run a command of this Python, and again whenever its files are saved.

`make dev` puts it between `manage.py up` and each of its processes. A process that ends by itself, as after a
mistake in what was saved, starts again with the next save.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change, DefaultFilter, watch

from wfpush.processes import lifeline

ROOT = Path(__file__).resolve().parent.parent
GRACE_SECONDS = 4.0
"""For a process to end in after SIGTERM; less than the 5 after which `manage.py up` kills its children."""
LOOK_MILLISECONDS = 250
"""How often to see whether the process still runs."""
MOST_NAMES = 3


@dataclass(frozen=True)
class Files:
    """The files that a process is made of: all in `folders`, but for those whose path has a name of `without`."""

    folders: tuple[str, ...]
    without: frozenset[str] = frozenset()

    def has(self, path: Path) -> bool:
        return self.without.isdisjoint(path.relative_to(ROOT).parts)


PRODUCT = ("wfpush", "notifications", "escalations", "locale")
FILES = {
    "web": Files((*PRODUCT, "templates", "static")),
    "worker": Files(
        (*PRODUCT, "templates/email"), without=frozenset({"admin", "api", "inbox", "urls.py", "web.py", "server.py"})
    ),
    "demo": Files(("demo",)),
}
"""By the names that `manage.py up` gives its processes. The worker does without pages and API."""


class Own(DefaultFilter):
    """What is watched for: `files`, and nothing that Python, git or an editor keeps beside them."""

    def __init__(self, files: Files) -> None:
        super().__init__()
        self._files = files

    def __call__(self, change: Change, path: str) -> bool:
        return super().__call__(change, path) and not path.endswith(".po") and self._files.has(Path(path))


class Process:
    """A command that can be started again. It leads a process group of its own: only this process sends it signals."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._command, self._environment = [sys.executable, *command], environment
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._running = subprocess.Popen(self._command, env=self._environment, process_group=0)

    def stop(self) -> None:
        if self._running is None:
            return
        with suppress(ProcessLookupError):
            self._running.terminate()
        try:
            self._running.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._running = None

    def ended(self) -> int | None:
        """Its exit code, told once, when it has ended by itself."""
        code = self._running.poll() if self._running is not None else None
        if code is not None:
            self._running = None
        return code


def run(command: Sequence[str], files: Files, stop: threading.Event, environment: dict[str, str]) -> None:
    """Until `stop` is set."""
    process = Process(command, environment)
    paths = [ROOT / folder for folder in files.folders]
    try:
        process.start()
        for changes in watch(
            *paths, watch_filter=Own(files), stop_event=stop, rust_timeout=LOOK_MILLISECONDS, yield_on_timeout=True
        ):
            if changes:
                print(f"Saved: {_names(path for _, path in changes)}. Starting again.", flush=True)
                process.stop()
                process.start()
            elif (code := process.ended()) is not None:
                print(f"Ended with {code}. It starts again when one of its files is saved.", flush=True)
    finally:
        process.stop()


def _names(paths: Iterable[str]) -> str:
    names = sorted(str(Path(path).relative_to(ROOT)) for path in paths)
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def main(name: str, command: Sequence[str]) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lifeline.follow(stop.set)
    own = lifeline.Lifeline()
    try:
        run(command, FILES[name], stop, os.environ | own.environment)
    finally:
        own.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
