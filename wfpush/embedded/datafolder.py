"""The folder `WFPUSH_DATA`, made by `manage.py up` and the tests, with generated secrets and embedded servers."""

import fcntl
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from wfpush.security import vapid_keys

MARKER = "wfpush-data"
"""A file that shows that wfpush made the folder. Its content differs from that of an earlier folder of the same
name."""

SECRETS_FILE = "secrets.env"

CLAIM = "up"
"""The file that a running `manage.py up` keeps locked. It holds its address and process."""

STATIC, MAIL = "static", "mail"
"""Subfolders that other commands make: compressed static files, and e-mails while `EMAIL_URL` is unset."""

GENERATORS = {"VAPID_PRIVATE_KEY": vapid_keys.new_private_key}
"""Functions for the secrets that are more than random text."""


_claims: list[int] = []  # descriptors, open and locked until this process ends


class DataFolderError(RuntimeError):
    """Raised for a folder that cannot be used. The message is for the person at the terminal."""


def was_made(folder: Path) -> bool:
    """Return whether `prepare` made this folder."""
    return (folder / MARKER).is_file()


def prepare(folder: Path, missing_secrets: Iterable[str]) -> None:
    """Make the folder, closed to others, and generate the named secrets that its file lacks.

    Raises DataFolderError if the folder holds something else or is not ours to write.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = [path for path in folder.iterdir() if path.name not in (STATIC, MAIL)]
        if others and not was_made(folder):  # in this order: another process may be making the folder
            raise DataFolderError(f"{folder} holds other files. Set WFPUSH_DATA to a new or empty folder.")
        folder.chmod(0o700)
        with (folder / MARKER).open("a+", encoding="utf-8") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX)
            marker.seek(0)
            if not marker.read():
                marker.write(f"{uuid4()}\n")
                marker.flush()
            _add_secrets(folder / SECRETS_FILE, missing_secrets)
    except OSError as fault:
        raise DataFolderError(f"WFPUSH_DATA cannot be used: {fault}. Set it to a folder you may write.") from fault


def claim(folder: Path, address: str) -> None:
    """Claim the folder for this process, which is to listen at `address`, until it ends.

    Raises DataFolderError with the address of the process that has claimed it.
    """
    descriptor = os.open(folder / CLAIM, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 1000, 0).decode()
        os.close(descriptor)
        raise DataFolderError(
            f"it runs already, or starts just now, at {holder} with the data of {folder}: stop that with Ctrl-C, or "
            "start another beside it with PORT=9000 WFPUSH_DATA=.wfpush-2 make run."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{address} (process {os.getpid()})".encode(), 0)
    _claims.append(descriptor)


def read_secrets(folder: Path) -> str:
    """Return the text of the secrets' file, empty if there is none. Raises DataFolderError if it cannot be read."""
    path = folder / SECRETS_FILE
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as fault:
        raise DataFolderError(f"{path} cannot be read ({fault}). Start as the user who made it.") from fault


def new_secret(name: str) -> str:
    """Return a new value for the secret of this name."""
    return GENERATORS[name]() if name in GENERATORS else secrets.token_urlsafe(48)


def _add_secrets(path: Path, names: Iterable[str]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    there = {line.partition("=")[0] for line in lines}
    added = [f"{name}={new_secret(name)}" for name in names if name not in there]
    if not added:
        return
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, *added]) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
