"""Holders of leases. A holder is one child of a worker, from its start to the death of the last process of its group.

Each holder has an id, with which its lease tokens begin. So the leases of a dead holder are given back, instead of
being waited for; but not before its death, or work would be done twice. Proof comes from the kernel: all processes of a
holder inherit a socket that is bound to the id in Linux' abstract namespace. The address is free again when the last of
them has ended. The proof is valid within one network namespace of one boot (`machine`). It does not exist for processes
of other machines, and without abstract namespaces: their leases end by time.
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
"""Environment variables of a worker's children: the child's id, and the worker's name."""

DIGITS = 12
"""Hexadecimal digits of an id; a lease token has 20 more."""


def new_id() -> str:
    return secrets.token_hex(DIGITS // 2)


@cache
def machine() -> str:
    """Return an id of the network namespace in which a holder's death can be seen; empty: it cannot be seen."""
    with suppress(OSError):
        if sys.platform == "linux":
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return f"{boot} {Path('/proc/self/ns/net').readlink()}"
    return ""


def claim(holder: str) -> socket.socket | None:
    """Bind the socket of a holder, which its processes inherit. None: it is taken, or there is no abstract
    namespace."""
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
    """Return whether no process of the holder lives. It must have been started on this machine."""
    if (bound := claim(holder)) is None:
        return False
    bound.close()
    return True


def new_token() -> UUID:
    """Return a lease token of this process."""
    mine = os.environ.get(VARIABLE, "")
    return UUID(mine + secrets.token_hex(16)[len(mine) :])


def tokens_of(holder: str) -> tuple[UUID, UUID]:
    """Return the smallest and the largest lease token of the holder, as PostgreSQL orders them."""
    rest = 32 - len(holder)
    return UUID(holder + "0" * rest), UUID(holder + "f" * rest)
