"""Holders of leases. A holder is one child of a worker, from its start to the death of the last process of its group.

Each holder has an id, with which its lease tokens begin. So its leases can be given back when it is dead, instead of
being waited for; but not before, or work would be done twice. Proof comes from the kernel: all processes of a holder
inherit a socket that is bound to the id in Linux' abstract namespace, and the address is free again when the last of
them has ended, whoever started it. The proof is valid within one network namespace of one boot (`machine`). Nobody can
tell whether processes of another machine are dead, and where there is no abstract namespace: there leases end by
themselves.
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
    """An id of the network namespace in which a holder's death can be seen; empty: it cannot be seen."""
    with suppress(OSError):
        if sys.platform == "linux":
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return f"{boot} {Path('/proc/self/ns/net').readlink()}"
    return ""


def claim(holder: str) -> socket.socket | None:
    """Bind the socket of a holder, to be inherited by its processes. None: it is taken, or there is no abstract
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
    """Whether no process of the holder lives. It must have been started on this machine."""
    if (bound := claim(holder)) is None:
        return False
    bound.close()
    return True


def new_token() -> UUID:
    """A lease token of this process."""
    mine = os.environ.get(VARIABLE, "")
    return UUID(mine + secrets.token_hex(16)[len(mine) :])


def tokens_of(holder: str) -> tuple[UUID, UUID]:
    """The smallest and the largest lease token of the holder, as PostgreSQL orders them."""
    rest = 32 - len(holder)
    return UUID(holder + "0" * rest), UUID(holder + "f" * rest)
