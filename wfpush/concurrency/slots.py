"""Limits how much runs at once, in all and for each key. Nobody waits for a slot: a missing one is an error."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class SlotsTaken(Exception):
    """Raised without a free slot. `kind`: the kind of key that has none left; empty if there is none left at all."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"All slots are taken{f' of this {kind}' * bool(kind)}.")
        self.kind = kind


class Slots:
    """`total` slots, of which one key of a kind may hold as many as `most` allows. For threads and for event loops."""

    def __init__(self, total: int, **most: int) -> None:
        self._total = total
        self._most = most
        self._taken: Counter[tuple[str, Hashable]] = Counter()
        self._count = 0
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, **keys: Hashable) -> Iterator[None]:
        """Hold one slot, with a key of each kind. Raises SlotsTaken for the first kind of `most` that has none left."""
        self._take(keys)
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                self._taken -= Counter(keys.items())  # this drops keys with a count of 0

    def _take(self, keys: dict[str, Hashable]) -> None:
        with self._lock:
            for kind, most in self._most.items():
                if self._taken[kind, keys[kind]] >= most:
                    raise SlotsTaken(kind)
            if self._count >= self._total:
                raise SlotsTaken("")
            self._count += 1
            self._taken.update(keys.items())
