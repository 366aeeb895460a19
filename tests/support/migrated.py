"""A PostgreSQL cluster that is made and migrated once, for data folders that get a copy instead of doing it again."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from wfpush.config import env
from wfpush.embedded import datafolder, shared_servers

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".wfpush-test-migrated"
VARIABLE = "WFPUSH_TESTS_MIGRATED"
"""In the environment of a test run that has such a cluster: the digest of the code that it was made by."""
STAMP = "migrated-by"
"""Beside a cluster: that digest."""


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
            shutil.rmtree(base / "postgres", ignore_errors=True)
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
    subprocess.run(["cp", "-a", str(shared_servers.locate(FOLDER).base / "postgres"), str(server.data)], check=True)
    (where.base / STAMP).write_text(digest, encoding="utf-8")
    return True


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
    found = hashlib.sha256(str(shared_servers.__file__).encode())
    files = [ROOT / "constraints.txt"]
    for app in ("wfpush", "notifications", "escalations"):
        files += (file for file in (ROOT / app).rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    for file in sorted(files):
        found.update(str(file.relative_to(ROOT)).encode())
        found.update(file.read_bytes())
    return found.hexdigest()
