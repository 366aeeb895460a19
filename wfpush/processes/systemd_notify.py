"""What a service says of itself to systemd (sd_notify(3)), so that `systemctl restart` waits until it is so."""

import os
import socket
from contextlib import suppress


def announce(state: str) -> None:
    """Say `READY=1` or `STOPPING=1` to whoever started this process, if it listens. One that is gone stops nobody."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
        line.sendall(state.encode())
