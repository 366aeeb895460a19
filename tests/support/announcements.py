"""Where systemd would listen for what a service says of itself (sd_notify)."""

import socket
import tempfile


class Announcements:
    """`address` goes into the service's NOTIFY_SOCKET."""

    def __enter__(self) -> "Announcements":
        self._folder = tempfile.TemporaryDirectory()
        self.address = f"{self._folder.name}/notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(90)
        return self

    def next(self) -> str:
        return self._socket.recv(1000).decode()

    def __exit__(self, *fault: object) -> None:
        self._socket.close()
        self._folder.cleanup()
