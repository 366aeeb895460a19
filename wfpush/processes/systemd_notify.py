"""Tells systemd the state of a service (sd_notify(3)), so that `systemctl restart` waits for it."""

import os
import socket
from contextlib import suppress


def notify_systemd(state: str) -> None:
    """Send `READY=1` or `STOPPING=1` to the socket that systemd has named, if it has. A failure is ignored."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
        line.sendall(state.encode())
