"""Files that are made of others to be served, in the data folder. What a name stands for never changes."""

import fcntl
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from django.conf import settings

from wfpush.embedded import datafolder


def made_file(name: str, make: Callable[[], bytes]) -> Path:
    """Return the file of that name, made if it is not there yet. Where the data folder takes no files, as with the
    units of systemd, it lies in a folder of this process.

    Raises OSError where no file can be written at all.
    """
    with suppress(OSError):
        return _file(Path(settings.DATA_DIR) / datafolder.STATIC / name, make)
    return _file(Path(_own_folder().name) / name, make)


@cache
def _own_folder() -> "tempfile.TemporaryDirectory[str]":
    """Nobody else can write to it. It is removed when the process ends, and not before: systemd-tmpfiles leaves locked
    folders alone (tmpfiles.d(5))."""
    folder = tempfile.TemporaryDirectory(prefix="wfpush-static-")
    fcntl.flock(os.open(folder.name, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)
    return folder


def _file(path: Path, make: Callable[[], bytes]) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_suffix(f".{os.getpid()}")
        begun.write_bytes(make())
        begun.replace(path)  # whole, or not there
    return path
