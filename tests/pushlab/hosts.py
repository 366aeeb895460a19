"""A hosts file for some processes only, in a mount namespace of theirs."""

import os
import shlex
import socket
import subprocess
from pathlib import Path


def before(folder: Path, address: str, name: str) -> list[str] | None:
    """Words to put before a command, for which `name` is then at `address`; None where that is not allowed."""
    hosts = folder / "hosts"
    hosts.write_text(f"{Path('/etc/hosts').read_text(encoding='utf-8')}\n{address} {name}\n", encoding="utf-8")
    hosts.chmod(0o644)
    own = ["--user", "--map-current-user", "--keep-caps"] if os.geteuid() else []
    script = f'mount --bind {shlex.quote(str(hosts))} /etc/hosts && exec "$@"'
    words = ["unshare", *own, "--mount", "sh", "-c", script, "sh"]
    try:
        probe = subprocess.run([*words, "grep", "-q", name, "/etc/hosts"], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return words if probe.returncode == 0 else None


def address_with_port(port: int) -> str | None:
    """A loopback address on which this user may listen on the port, and nobody does; None if there is none."""
    for last in range(2, 255):
        with socket.socket() as probe:
            try:
                probe.bind((f"127.0.7.{last}", port))
            except PermissionError:
                return None
            except OSError:
                continue
            return f"127.0.7.{last}"
    return None
