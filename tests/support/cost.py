"""What a call costs the process that answers it."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST_MEMORY = 64 * 1024 * 1024
"""Bytes that one request may take, its body included."""
MOST_SAID = 64 * 1024
"""Bytes of an answer that says what is wrong."""


@dataclass
class Cost:
    memory: int = 0
    """The most bytes at one time, above what was there before."""


@contextmanager
def cost() -> Iterator[Cost]:
    """Measures what is done inside, where it is done in this process. What was there before does not count."""
    spent = Cost()
    tracemalloc.start()
    try:
        yield spent
        spent.memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
