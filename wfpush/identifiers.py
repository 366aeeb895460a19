"""UUIDv7: identifiers that sort by the time they were made, so that a table's newest rows lie together."""

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

_COUNTER_BITS = 42
_COUNTER_SEED_BITS = 41  # the top bit starts at 0, so that a millisecond has room for 2**41 more identifiers
_TAIL_BITS = 32
_KEPT_BYTES = 4096


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class Randomness:
    """`secrets.randbits` with one system call for many numbers: one call for each takes half the time of an identifier.
    Not to be shared between threads, or with a forked child."""

    def __init__(self) -> None:
        self._bytes, self._at = b"", 0

    def __call__(self, bits: int) -> int:
        size = (bits + 7) // 8
        if self._at + size > len(self._bytes):
            self.renew()
        start, self._at = self._at, self._at + size
        return int.from_bytes(self._bytes[start : self._at], "big") >> (8 * size - bits)

    def renew(self) -> None:
        self._bytes, self._at = os.urandom(_KEPT_BYTES), 0


class Uuid7Generator:
    """A generator of UUIDs by RFC 9562 section 5.7, with the fixed-length dedicated counter of section 6.2 (method 1).

    Layout: 48 bits of Unix milliseconds, version, 42 bits of counter (12 in rand_a, 30 in rand_b), 32 random bits. Each
    identifier is greater than the one before, whatever the clock does. Safe to share between threads.
    """

    def __init__(
        self, milliseconds: Callable[[], int] = _milliseconds, randbits: Callable[[int], int] | None = None
    ) -> None:
        self._milliseconds = milliseconds
        self._randbits = randbits or Randomness()
        self._lock = threading.Lock()
        self._time = 0
        self._counter = 0

    def __call__(self) -> UUID:
        with self._lock:
            moment, counter = self._advance()
            tail = self._randbits(_TAIL_BITS)
        return UUID(int=_assemble(moment, counter, tail))

    def _advance(self) -> tuple[int, int]:
        now = self._milliseconds()
        if now > self._time:
            self._time, self._counter = now, self._randbits(_COUNTER_SEED_BITS)
        elif self._counter + 1 < 1 << _COUNTER_BITS:
            self._counter += 1  # same millisecond, or the clock was set back: keep the time, count on
        else:
            self._time, self._counter = self._time + 1, self._randbits(_COUNTER_SEED_BITS)
        return self._time, self._counter

    def after_fork(self) -> None:
        """Give a forked child a lock that is free, and a counter and randomness that its parent does not share."""
        self._lock = threading.Lock()
        if isinstance(self._randbits, Randomness):
            self._randbits.renew()
        self._counter = self._randbits(_COUNTER_SEED_BITS)
        self._time += 1  # the new counter may be smaller than the parent's: the time must not be the same


def _assemble(moment: int, counter: int, tail: int) -> int:
    high, low = divmod(counter, 1 << 30)
    value = (moment & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | high << 64
    value |= 0b10 << 62 | low << 32
    return value | tail


_generator = Uuid7Generator()
os.register_at_fork(after_in_child=_generator.after_fork)


def uuid7() -> UUID:
    """Return a UUIDv7 (RFC 9562 §5.7), growing within this process."""
    return _generator()


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that the text represents; None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None


def lowest_id(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment: the index of the primary key finds rows made since then."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)
