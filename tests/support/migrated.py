"""A PostgreSQL cluster that is made and migrated once, for data folders that get a copy instead of doing it again.

A copy that is given back is kept as a spare, and becomes the next one: to make its two thousand files anew takes half a
second of a processor, and several while the file system still has as many to forget.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from wfpush.config import env
from wfpush.embedded import datafolder, shared_servers

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".wfpush-test-migrated"
VARIABLE = "WFPUSH_TESTS_MIGRATED"
"""In the environment of a test run that has such a cluster: the digest of the code that it was made by."""
STAMP = "migrated-by"
"""Beside a cluster: that digest."""
IGNORED = {"__pycache__", "tests"}
SPARES = "spares"
"""Beside the cluster that is copied."""


def make() -> None:
    """Make the cluster, or keep the one that this code has made before. For a run that will make many copies."""
    digest = _digest()
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    datafolder.prepare(FOLDER, env.GENERATED)
    with (FOLDER / datafolder.MARKER).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        base = shared_servers.locate(FOLDER).base
        if _stamp(base) != digest:
            (base / STAMP).unlink(missing_ok=True)
            for outdated in ("postgres", SPARES):
                shutil.rmtree(base / outdated, ignore_errors=True)
            _migrate()
            (base / STAMP).write_text(digest, encoding="utf-8")
    os.environ[VARIABLE] = digest


def copy_to(folder: Path) -> bool:
    """Give a data folder the cluster. False where this run has none, or where servers use the folder already."""
    digest = os.environ.get(VARIABLE, "")
    where = shared_servers.locate(folder)
    server = shared_servers.Postgres(where)
    if digest and _stamp(where.base) == digest:
        return True
    if not digest or server.lives():
        return False
    (where.base / STAMP).unlink(missing_ok=True)
    shutil.rmtree(server.data, ignore_errors=True)
    source = shared_servers.locate(FOLDER).base
    if _has_spare(source / SPARES, server.data):
        _make_equal(source / "postgres", server.data)
    else:
        subprocess.run(["cp", "-a", str(source / "postgres"), str(server.data)], check=True)
    (where.base / STAMP).write_text(digest, encoding="utf-8")
    return True


def give_back(folder: Path) -> None:
    """Keep a data folder's copy as a spare. Its servers have stopped, and the folder is about to be removed."""
    where = shared_servers.locate(folder)
    if (digest := os.environ.get(VARIABLE, "")) and _stamp(where.base) == digest:
        spares = shared_servers.locate(FOLDER).base / SPARES
        spares.mkdir(mode=0o711, exist_ok=True)
        with suppress(OSError):  # a test has removed it
            shared_servers.Postgres(where).data.rename(spares / where.base.name)


def _has_spare(spares: Path, data: Path) -> bool:
    """Whether one has become `data`; another process may be faster."""
    for spare in spares.iterdir() if spares.is_dir() else ():
        with suppress(FileNotFoundError):
            spare.rename(data)
            return True
    return False


def _make_equal(source: Path, data: Path) -> None:
    """Make what a cluster has left the same as `source`. A file is the same as long as nobody has written to it: then
    its size and time are."""
    wanted, found = _contents(source), _contents(data)
    for path in sorted(found.keys() - wanted.keys(), reverse=True):
        if (data / path).is_dir():
            (data / path).rmdir()
        else:
            (data / path).unlink()
    for path, kept in sorted(wanted.items()):
        if path not in found or found[path] != kept:
            if kept is None:
                (data / path).mkdir()
            else:
                shutil.copyfile(source / path, data / path)
            owner = (source / path).stat()
            os.chown(data / path, owner.st_uid, owner.st_gid)
            shutil.copystat(source / path, data / path)


def _contents(cluster: Path) -> dict[str, tuple[int, int] | None]:
    """Of each file size and time, by its path in there; None of a folder."""
    found: dict[str, tuple[int, int] | None] = {}
    left = [""]
    while left:
        folder = left.pop()
        with os.scandir(cluster / folder) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name)  # noqa: PTH118 - thousands of them
                if entry.is_dir(follow_symlinks=False):
                    found[path] = None
                    left.append(path)
                else:
                    stat = entry.stat(follow_symlinks=False)
                    found[path] = stat.st_size, stat.st_mtime_ns
    return found


def _migrate() -> None:
    shared_servers.ensure(FOLDER)
    try:
        environment = {**os.environ, "WFPUSH_DATA": str(FOLDER)}
        command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity=0"]
        subprocess.run(command, env=environment, cwd=ROOT, check=True)
    finally:
        shared_servers.release(FOLDER)


def _stamp(base: Path) -> str:
    stamp = base / STAMP
    return stamp.read_text(encoding="utf-8") if stamp.is_file() else ""


def _digest() -> str:
    """Of everything that can change what `migrate` makes."""
    found = hashlib.sha256(f"{shared_servers.__file__} {os.environ.get('FEATURES', '')}".encode())
    files = [ROOT / "constraints.txt"]
    for app in ("wfpush", "notifications", "escalations"):
        files += (file for file in (ROOT / app).rglob("*") if file.is_file() and IGNORED.isdisjoint(file.parts))
    for file in sorted(files):
        found.update(str(file.relative_to(ROOT)).encode())
        found.update(file.read_bytes())
    return found.hexdigest()
