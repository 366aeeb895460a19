"""Removes folders of servers under /var/lib/wfpush whose data folder is gone.

There they do not lie in their data folder, so they stay when somebody removes that: tests that were killed, and a /tmp
that was cleared, left gigabytes. Each folder says whose it is. It is removed if the data folder does not exist any more
on a file system that is still mounted, and no process uses it.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "data-folder.json"
LOCKS = ("lock", "users", "guard", "postgres.alive", "valkey.alive")
"""Whoever starts, uses, guards or is one of the servers holds one of these (shared_servers.py)."""
REMOVED = "removed-"
"""How the name of a folder begins that is being removed. If that is cut short, the next look goes on with it."""


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
    """Look through all folders of servers below `root`. What cannot be read or removed stays."""
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
    """Whether all locks are free. They are held meanwhile, so that nobody begins to use the folder."""
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
