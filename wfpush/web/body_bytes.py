"""Bounds the bytes of requests' bodies that a process holds at the same time, from one network address and in all.

A body is held until its request is answered. What is small is always read, so that nobody who sends much keeps others
from answering, signing in or sending an event.
"""

from collections import Counter
from collections.abc import Callable
from typing import Literal, Self

SMALL = 64 * 1024
"""Bytes at the beginning of each body that are not counted."""
MAX_BYTES_OF_ADDRESS = 64 * 1024 * 1024
MAX_BYTES = 256 * 1024 * 1024


class TooManyBytes(Exception):
    """`of`: who holds as much as there may be."""

    def __init__(self, of: Literal["address", "process"]) -> None:
        super().__init__(f"Bodies of this {of} have as many bytes as there may be.")
        self.of = of


class BodyBytes:
    """The bytes of all bodies. Belongs to one event loop."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def add(self, address: str, size: int) -> None:
        """Raises TooManyBytes."""
        if self._by_address[address] + size > MAX_BYTES_OF_ADDRESS:
            raise TooManyBytes("address")
        if self._total + size > MAX_BYTES:
            raise TooManyBytes("process")
        self._by_address[address] += size
        self._total += size

    def give_back(self, address: str, size: int) -> None:
        self._total -= size
        self._by_address[address] -= size
        if not self._by_address[address]:
            del self._by_address[address]


class HeldBody:
    """A context: counts the bytes of one body, and forgets them at the end. `address` is asked for when there is
    something to count."""

    def __init__(self, bodies: BodyBytes, address: Callable[[], str]) -> None:
        self._bodies = bodies
        self._address = address
        self._read = self._counted = 0

    def add(self, size: int) -> None:
        """Raises TooManyBytes."""
        self._read += size
        more = self._read - SMALL - self._counted
        if more > 0:
            self._bodies.add(self._address(), more)
            self._counted += more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._counted:
            self._bodies.give_back(self._address(), self._counted)
