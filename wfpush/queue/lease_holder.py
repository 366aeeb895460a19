"""Who holds leases: one child of a worker, from its start to the death of the last process of its group.

Each has an id, with which the lease tokens begin that its processes take. So what it held can be given back when it is
dead, instead of being waited for; and only then, or work would be done twice. The proof is the kernel's: all its
processes inherit a socket that is bound to the id in Linux' abstract namespace, and the address is free again when the
last of them has ended, whoever started it. That is known within one network namespace of one boot (`machine`); nobody
can say of another machine's processes that they are dead, and where there is no such namespace leases run out as ever.
"""

import os
import secrets
import socket
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from uuid import UUID

VARIABLE = "WFPUSH_HOLDER"
WORKER = "WFPUSH_WORKER"
"""In the environment of a worker's children: their own id, and the worker's name."""

DIGITS = 12
"""Of an id, hexadecimal; a lease token has 20 more."""


def new_id() -> str:
    return secrets.token_hex(DIGITS // 2)


@cache
def machine() -> str:
    """Where the death of a holder can be seen; empty: nowhere."""
    with suppress(OSError):
        if sys.platform == "linux":
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return f"{boot} {Path('/proc/self/ns/net').readlink()}"
    return ""


def claim(holder: str) -> socket.socket | None:
    """Bind its address, to be inherited by what shall count as its processes. None: taken, or it cannot be known."""
    if not machine():
        return None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(f"\0wfpush-holder-{holder}")
    except OSError:
        made.close()
        return None
    return made


def is_dead(holder: str) -> bool:
    """Whether no process of it lives on this machine, where it must have been started."""
    if (bound := claim(holder)) is None:
        return False
    bound.close()
    return True


def new_token() -> UUID:
    """A lease token of this process."""
    mine = os.environ.get(VARIABLE, "")
    return UUID(mine + secrets.token_hex(16)[len(mine) :])


def tokens_of(holder: str) -> tuple[UUID, UUID]:
    """The first and the last of its lease tokens, as PostgreSQL orders them."""
    rest = 32 - len(holder)
    return UUID(holder + "0" * rest), UUID(holder + "f" * rest)
