"""Notices processes that hang, such as one that was stopped by a signal or waits for a dead disk.

A process sends its id once a second from a thread of its own, through a pipe to the parent of its child
(wfpush/processes/children.py). The thread sends even while the process does long work.
"""

import os
import struct
import threading
import time
from contextlib import suppress

VARIABLE = "WFPUSH_PULSES"
"""Environment variable with the descriptor of the pipe."""
BEAT_SECONDS = 1.0
MAX_SILENT_LOOKS = 40
"""The number of silent looks of the supervisor, four a second, after which a process hangs. Looks are counted, because
after a freeze of the whole machine no pulses have been read for long."""
READ_BYTES = 65_536
"""The most bytes that a pipe holds."""
_ID = struct.Struct("=i")


class Pulses:
    """The parent's side, for the processes of one child. Used by one thread."""

    def __init__(self) -> None:
        self._reader, self.descriptor = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self.descriptor, False)
        self._silent_looks: dict[int, int] = {}

    def look(self) -> int | None:
        """Return the id of a process that hangs; None if there is none."""
        self._silent_looks = {pid: looks + 1 for pid, looks in self._silent_looks.items()}
        with suppress(BlockingIOError):
            received = os.read(self._reader, READ_BYTES)
            self._silent_looks |= dict.fromkeys((pid for (pid,) in _ID.iter_unpack(received)), 0)
        for pid in [pid for pid, looks in self._silent_looks.items() if looks > MAX_SILENT_LOOKS]:
            if _exists(pid):
                return pid
            del self._silent_looks[pid]
        return None

    def close(self) -> None:
        os.close(self._reader)
        os.close(self.descriptor)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:  # it has ended; its id may belong to another user's process by now
        return False
    return True


_sender = 0
"""The id of this process once it sends; after a fork, that of its parent."""


def send_pulses() -> None:
    """Start to send pulses, unless this process sends already, or its parent does not read them."""
    global _sender
    descriptor = os.environ.get(VARIABLE)
    if descriptor and _sender != os.getpid():
        _sender = os.getpid()
        threading.Thread(target=_send, args=(int(descriptor),), daemon=True).start()


def _send(descriptor: int) -> None:
    own = _ID.pack(os.getpid())
    while True:
        with suppress(OSError):  # the pipe is full, or the parent dead
            os.write(descriptor, own)
        time.sleep(BEAT_SECONDS)
