"""`python3 tools/installing.py DESCRIPTION COMMAND…`: run a command that installs into .venv, if no other one does.

`make` calls it with any Python 3, before there is a .venv. While a command runs, a second call ends with a
sentence that has the description of the first, and runs nothing.
"""

import fcntl
import os
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / ".venv.lock"


def main(description: str, command: "list[str]") -> None:
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        first = os.pread(lock, 1000, 0).decode()
        sys.exit(f"{first} is installing into .venv just now. Wait until it is done, or stop it with Ctrl-C.")
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{description} (process {os.getppid()})".encode(), 0)
    os.set_inheritable(lock, True)  # the lock ends with the command
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
