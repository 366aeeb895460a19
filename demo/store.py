"""Instances on disk: one JSON file each, replaced as a whole, so that a crash leaves the old state or the new one."""

import fcntl
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from demo.records import InstanceRecord

log = logging.getLogger("demo.store")

_INSTANCE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class StoreError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class Store:
    """A folder (mode 0700) that one engine process owns at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._instances = folder / "instances"
        self._files = folder / "files"
        self._lock: IO[str] | None = None

    def open(self, patience: float = 0) -> None:
        """Makes the folder if needed and takes its lock.

        Raises StoreError when another process holds it for `patience` seconds: one that is just stopping releases it
        soon.
        """
        for path in (self.folder, self._instances, self._files):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
        self._lock = (self.folder / "lock").open("w")
        if patience and not _locked(self._lock):
            log.warning("another demo engine uses %s; waiting for it to stop", self.folder)
        give_up = time.monotonic() + patience
        while not _locked(self._lock):
            if time.monotonic() >= give_up:
                self._lock.close()
                raise StoreError(f"Another demo engine uses {self.folder}: stop it, or set DEMO_DATA elsewhere.")
            time.sleep(0.1)
        for left_over in self.folder.rglob("*.tmp"):
            left_over.unlink()

    def close(self) -> None:
        if self._lock:
            self._lock.close()

    def save(self, record: InstanceRecord) -> None:
        """Returns when the record has reached the disk: state and outgoing events in one file, in one step."""
        self.replace(self._path(record.id), msgspec.json.encode(record))

    def load(self, instance_id: str) -> InstanceRecord:
        """The record as last saved. Raises KeyError when there is none, StoreError when it cannot be read."""
        if not _INSTANCE_ID.fullmatch(instance_id):
            raise KeyError(instance_id)
        path = self._path(instance_id)
        try:
            return msgspec.json.decode(path.read_bytes(), type=InstanceRecord)
        except FileNotFoundError as error:
            raise KeyError(instance_id) from error
        except msgspec.DecodeError as error:
            raise StoreError(f"{path} cannot be read ({error}): restore it from a copy, or move it away.") from error

    def load_all(self) -> Iterator[InstanceRecord]:
        """Every record, in no particular order."""
        for path in self._instances.glob("*.json"):
            yield self.load(path.stem)

    def has_file(self, file_id: str) -> bool:
        return (self._files / file_id).exists()

    def keep_file(self, file_id: str, content: bytes) -> None:
        """Returns when the bytes have reached the disk."""
        self.replace(self._files / file_id, content)

    def file(self, file_id: str) -> bytes:
        try:
            return (self._files / file_id).read_bytes()
        except FileNotFoundError as error:
            raise KeyError(file_id) from error

    def has_mark(self, name: str) -> bool:
        """Whether `set_mark(name)` has ever been called on this folder."""
        return (self.folder / name).exists()

    def set_mark(self, name: str) -> None:
        """Remembers for good that something is done."""
        self.replace(self.folder / name, b"")

    def _path(self, instance_id: str) -> Path:
        return self._instances / f"{instance_id}.json"

    @staticmethod
    def replace(path: Path, content: bytes) -> None:
        """Writes beside, flushes to the disk, renames over, and flushes the rename."""
        beside = path.with_suffix(path.suffix + ".tmp")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
