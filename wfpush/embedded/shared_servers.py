"""A real PostgreSQL and a real Valkey out of pip-installed wheels, for development and tests.

Every process that names the same data folder shares one pair of servers. The first `ensure()` starts them, the last
process to leave stops them, and a process after a crash joins servers that still run. Both listen on Unix sockets in a
private folder only. No Django in here: settings need the addresses before Django exists.

All bookkeeping is flock on files of the servers' folder, because the kernel releases a lock however its holder ends.
There are no pid files to go stale and no exit handlers that a forked child could run twice:

    lock            held for the moment in which something starts or stops
    users           a shared lock for the life of every process that uses the servers
    guard           held by the guard, a small process that waits for `users` to be empty and stops the servers
    *.alive         inherited by a server and all its children: taken means that at least one of them lives

Folders under /var/lib/wfpush do not lie in their data folder, so they stay when that is removed: killed tests, and a
cleared /tmp, left gigabytes. Each folder names its data folder. It is removed if the data folder does not exist any
more on a file system that is still mounted, and no process uses it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from wfpush.embedded.datafolder import MARKER, was_made
from wfpush.embedded.servers import EmbeddedError, Postgres, ServerFolders, Valkey, unprivileged_user, wait_until

OWNER = "data-folder.json"
LOCKS = ("lock", "users", "guard", "postgres.alive", "valkey.alive")
"""Lock files. Each process that starts, uses, guards or is one of the servers holds one of them."""
REMOVED = "removed-"
"""The prefix of a folder that is being removed. If the removal is cut short, the next one goes on with it."""


def note_owner(base: Path, data_dir: Path) -> None:
    """Write into the folder of servers `base` which data folder owns it."""
    path = data_dir.resolve()
    if not path.is_dir():
        return
    text = json.dumps({"path": str(path), "device": path.stat().st_dev})
    owner = base / OWNER
    if not owner.is_file() or owner.read_text(encoding="utf-8") != text:
        fresh = owner.with_suffix(f".{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(owner)


def remove_left_behind(root: Path) -> None:
    """Remove folders of servers below `root` whose data folder is gone. Folders that cannot be read or removed stay."""
    for base in sorted(path for path in root.iterdir() if path.is_dir()):
        if base.name.startswith(REMOVED):
            shutil.rmtree(base, ignore_errors=True)
        elif _owner_is_gone(base):
            _remove(base)


def _owner_is_gone(base: Path) -> bool:
    """Return whether the data folder is gone. False without an owner, or if its file system may not be mounted."""
    try:
        document = json.loads((base / OWNER).read_text(encoding="utf-8"))
        path = Path(document["path"])
        return not os.path.lexists(path) and path.parent.stat().st_dev == document["device"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _remove(base: Path) -> None:
    with _nobody_uses(base) as unused:
        if unused:
            removed = base.with_name(f"{REMOVED}{base.name}")
            base.rename(removed)
            shutil.rmtree(removed, ignore_errors=True)


@contextmanager
def _nobody_uses(base: Path) -> Iterator[bool]:
    """Yield whether all locks were free. They are then held, so that no process begins to use the folder."""
    held: list[int] = []
    try:
        for name in LOCKS:
            held.append(os.open(base / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        for descriptor in held:
            os.close(descriptor)


ROOT_BASE = Path("/var/lib/wfpush")
LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107 on Linux and 103 on macOS
UNSAFE_IN_SOCKET_PATH = frozenset("\"',\\%?#&+ ")  # need quoting in PostgreSQL's list of folders or in a URL
START_DEADLINE = 90.0  # seconds that one process may hold up the others: a first initdb on a busy machine

_held: dict[Path, int] = {}  # base folder → descriptor of this process's shared lock on `users`


class _Guard(subprocess.Popen[bytes]):
    """The guard process, for the process that has started it."""

    def __del__(self) -> None:
        """Omit Popen's warning about a running process: the guard outlives its starter on purpose."""


_guards: dict[Path, _Guard] = {}  # base folder → the guard this process started last


@dataclass(frozen=True)
class Servers:
    """The addresses of the two servers of a data folder."""

    database_url: str
    redis_url: str


def servers(data_dir: Path, variable: str) -> Servers:
    """Return the servers of a folder that `manage.py up` or the tests made, started if need be.

    Raises EmbeddedError that names `variable`, the setting that is needed otherwise.
    """
    if not was_made(data_dir):
        raise EmbeddedError(
            f"{variable} is not set. Set it, or start with `manage.py up`, which runs servers of its own "
            f"for development ({data_dir} was not made by it)."
        )
    return ensure(data_dir)


def ensure(data_dir: Path) -> Servers:
    """Start or join the servers of `data_dir` and use them until this process ends or calls `release`.

    Raises EmbeddedError with a sentence for the person at the terminal.
    """
    where = locate(data_dir)
    postgres, valkey = Postgres(where), Valkey(where)
    with _exclusive(where.base):
        _use(where.base)
        if where.user is not None:
            note_owner(where.base, data_dir)
        _start_guard(data_dir, where.base)
        for server in (postgres, valkey):
            server.ensure_running()
        postgres.ensure_database()
    return Servers(postgres.url, valkey.url)


def revive(data_dir: Path) -> bool:
    """Start again, on the same sockets, a server of `data_dir` that was killed. Cheap while both run.

    For a parent process to call about once a second. Returns whether something had to be started.
    """
    where = locate(data_dir)
    if _guard_lives(where.base) and all(server.answers() for server in (Postgres(where), Valkey(where))):
        return False
    ensure(data_dir)
    return True


def release(data_dir: Path, *, deadline: float = 30.0) -> bool:
    """Stop using the servers now. If no other process does, stop them and return True once their processes are gone."""
    where = locate(data_dir)
    with _exclusive(where.base):
        if (descriptor := _held.pop(where.base, None)) is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # not only closed: forked children share the descriptor
            os.close(descriptor)
        if not _unused(where.base):
            return False
        _stop(where)
    wait_until(lambda: not _guard_lives(where.base), deadline)
    if where.base in _guards:
        _guards[where.base].wait(deadline)
    return True


def locate(data_dir: Path) -> ServerFolders:
    """Return the folders of the servers that belong to `data_dir`, made if missing.

    Root's are under /var/lib/wfpush, because the way to `data_dir` may be closed to other users (/root, a home). They
    belong to an unprivileged user, because PostgreSQL refuses to run as root. Their name holds the identity of the data
    folder. So a deleted and remade folder does not get rows that are encrypted with the keys of the old one.
    """
    path = data_dir.resolve()
    user = unprivileged_user() if os.geteuid() == 0 else None
    if user is None:
        base = path / "servers"
        _private_folder(base, None)
    else:
        ROOT_BASE.mkdir(mode=0o755, parents=True, exist_ok=True)
        base = ROOT_BASE / _digest(f"{path}\n{_identity(path)}")
        base.mkdir(mode=0o711, exist_ok=True)
    sockets = base / "run"
    if not _fits_a_socket(sockets):
        sockets = Path("/tmp") / f"wfpush-{os.getuid()}-{_digest(str(base))}"
    _private_folder(sockets, user.pw_uid if user else None)
    return ServerFolders(base=base, sockets=sockets, user=user)


def _identity(path: Path) -> str:
    marker = path / MARKER
    return marker.read_text(encoding="utf-8") if marker.is_file() else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _fits_a_socket(folder: Path) -> bool:
    short = len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH
    return short and not UNSAFE_IN_SOCKET_PATH & set(str(folder))


def _private_folder(folder: Path, owner: int | None) -> None:
    """Make `folder`, closed to others; refuse one that another user made first (a shared /tmp)."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if owner is not None:
            os.chown(folder, owner, -1)
    status = folder.lstat()
    expected = os.geteuid() if owner is None else owner
    if not folder.is_dir() or folder.is_symlink() or status.st_uid != expected:
        raise EmbeddedError(f"{folder} belongs to another user. Remove it, or choose another WFPUSH_DATA.")
    if status.st_mode & 0o077:
        folder.chmod(0o700)


@contextmanager
def _exclusive(base: Path) -> Iterator[None]:
    descriptor = _open(base / "lock")
    try:
        if not wait_until(lambda: _try_lock(descriptor), START_DEADLINE):
            raise EmbeddedError(f"Another process has been starting or stopping the servers in {base} for too long.")
        yield
    finally:
        os.close(descriptor)


def _use(base: Path) -> None:
    if base not in _held:
        descriptor = _open(base / "users")
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # the guard releases its own at once
        _held[base] = descriptor


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unused(base: Path) -> bool:
    """Return whether no process uses the servers. Tries for 0.1 s: the guard takes the same lock for a moment."""
    descriptor = _open(base / "users")
    try:
        return wait_until(lambda: _try_lock(descriptor), 0.1)
    finally:
        os.close(descriptor)


def _guard_lives(base: Path) -> bool:
    descriptor = _open(base / "guard")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two processes that look do not meet
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _start_guard(data_dir: Path, base: Path) -> None:
    """Start the guard unless it runs. It inherits its lock already locked, so the lock is never free in between."""
    if _guard_lives(base):
        return
    descriptor = _open(base / "guard")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        project = Path(__file__).resolve().parents[2]
        with os.fdopen(_open(base / "guard.log"), "ab") as log:
            _guards[base] = _Guard(
                [sys.executable, "-m", "wfpush.embedded.shared_servers", str(data_dir.resolve()), str(descriptor)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=base,
                env=os.environ | {"PYTHONPATH": str(project)},
                pass_fds=[descriptor],
                start_new_session=True,
            )
    finally:
        os.close(descriptor)


def guard(data_dir: Path, descriptor: int) -> None:
    """Wait until no process uses the servers, stop them, and return. Meanwhile remove folders of other servers that
    were left behind. Their gigabytes may take longer than these servers are used; then the next guard goes on."""
    where = locate(data_dir)
    if where.user is not None:
        Thread(target=remove_left_behind, args=[ROOT_BASE], daemon=True).start()
    users = _open(where.base / "users")
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        with _exclusive(where.base):
            if _unused(where.base):
                _stop(where)
                # Still under the lock: the next process must not rely on a guard that is about to end.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
                return


def _stop(where: ServerFolders) -> None:
    for server in (Valkey(where), Postgres(where)):
        server.stop()


if __name__ == "__main__":
    guard(Path(sys.argv[1]), int(sys.argv[2]))
    os._exit(0)  # at once: the process that waits for the guard's lock may look for left-over processes next
