"""Running this Python as a user without rights, also where root keeps Python and the checkout to itself."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

NOBODY = 65534
_MOUNTS = tempfile.TemporaryDirectory(prefix="wfpush-test-mounts-")


@cache
def as_plain_user() -> list[str] | None:
    """Words to put before a command so that a user without rights runs it; None if that is not possible."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None or shutil.which("unshare") is None:
        return None
    setpriv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    opened = [*_open_the_way(), *setpriv]
    probe = subprocess.run([*opened, sys.executable, "-c", "import psycopg"], capture_output=True, check=False)
    return opened if probe.returncode == 0 else None


def _open_the_way() -> list[str]:
    """In a mount namespace of its own, lay the needed folders under an open stand-in for the closed one."""
    needed = [Path(sys.base_prefix), Path(sys.prefix), Path(__file__).resolve().parents[2]]
    closed = next(
        (folder for path in needed for folder in reversed(path.parents) if not folder.stat().st_mode & 1), None
    )
    if closed is None:
        return []
    inside = [str(path) for path in needed if closed in path.parents]
    script = ["set -e", f"kept={_MOUNTS.name}", "mount -t tmpfs none $kept"]
    for number, path in enumerate(inside):
        script += [f"mkdir $kept/{number}", f"mount --bind {shlex.quote(path)} $kept/{number}"]
    script.append(f"mount -t tmpfs -o mode=755 none {shlex.quote(str(closed))}")
    for number, path in enumerate(inside):
        script += [f"mkdir -p {shlex.quote(path)}", f"mount --bind $kept/{number} {shlex.quote(path)}"]
    script.append('exec "$@"')
    return ["unshare", "--mount", "sh", "-c", "\n".join(script), "sh"]
