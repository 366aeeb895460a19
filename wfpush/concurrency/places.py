"""Work under way at once, with places of its own for each key: who is slow fills its own, and nobody else's.

What is due is claimed when there is a place for it and not before, so that no lease runs out in a queue. Whatever ends
makes room at once for the next; nobody waits for a batch to end. A key whose places are full is left out of the claim,
so that others' rows are found however many of its own are older.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from wfpush.concurrency.threads import in_database_thread

log = structlog.get_logger(__name__)

Key = TypeVar("Key", bound=Hashable)
Job = TypeVar("Job")

SCARCE = 4
"""While more than half of all places are taken, no key gets more than this part of its own: several may be slow."""


@dataclass(frozen=True)
class Room(Generic[Key]):
    """The places that are free, as of one moment: `left` in all, `each` for one key, less those that it has taken."""

    left: int
    each: int
    taken: Mapping[Key, int]

    @property
    def full(self) -> list[Key]:
        return [key for key, count in self.taken.items() if count >= self.each]

    def choose(self, waiting: Iterable[tuple[Any, Key]]) -> list[Any]:
        """Those, in their order, for which there is a place: ids, of ids and keys."""
        taken, chosen = Counter(self.taken), list[Any]()
        for id, key in waiting:
            if len(chosen) < self.left and taken[key] < self.each:
                taken[key] += 1
                chosen.append(id)
        return chosen


@dataclass(frozen=True)
class Claimed(Generic[Key, Job]):
    """What may begin now. `rows`: how many were claimed for it, those included that came to nothing at once."""

    jobs: Sequence[tuple[Key, Job]]
    rows: int


class Places(Generic[Key, Job]):
    """`claim` takes due work for the room there is, in the database's thread; `do` does one job. `most` jobs at once,
    `each` of them for one key. Belongs to the event loop of its first drain."""

    def __init__(
        self,
        claim: Callable[[Room[Key]], Claimed[Key, Job]],
        do: Callable[[Job], Awaitable[None]],
        *,
        most: int,
        each: int,
    ) -> None:
        self._claim = claim
        self._do = do
        self._most = most
        self._each = each
        self._taken: Counter[Key] = Counter()
        self._under_way: set[asyncio.Task[None]] = set()
        self._claiming = asyncio.Lock()
        self._refilling: asyncio.Task[None] | None = None
        self._freed = False

    @property
    def room(self) -> Room[Key]:
        count = len(self._under_way)
        each = self._each if count <= self._most // 2 else max(1, self._each // SCARCE)
        return Room(self._most - count, each, dict(self._taken))

    async def drain(self) -> None:
        """Begin all that is due and has a place; it goes on after that."""
        async with self._claiming:
            while (room := self.room).left > 0:
                claimed = await in_database_thread(self._claim, room)
                for key, job in claimed.jobs:
                    self._begin(key, job)
                if not claimed.rows:
                    return

    async def drained(self) -> None:
        """Until nothing is due, and nothing is under way."""
        await self.drain()
        while waiting := [*self._under_way, *([self._refilling] if self._refilling else [])]:
            await asyncio.wait(waiting)
            if self._refilling is not None and self._refilling.done():
                self._refilling = None

    async def close(self, seconds: float) -> None:
        """Let what is under way end for a moment; leases cover the rest."""
        if self._refilling is not None:
            self._refilling.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        for task in list(self._under_way):
            task.cancel()

    def _begin(self, key: Key, job: Job) -> None:
        self._taken[key] += 1
        task = asyncio.create_task(self._one(job))
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._ended(key, done))

    async def _one(self, job: Job) -> None:
        try:
            await self._do(job)
        except Exception:  # its lease ends, and it is tried again; the others go on
            log.exception("work_under_way_failed")

    def _ended(self, key: Key, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]
        if not task.cancelled():
            self._refill()

    def _refill(self) -> None:
        """A place is free: what waits for it need not wait until somebody looks."""
        self._freed = True
        if self._refilling is None or self._refilling.done():
            self._refilling = asyncio.create_task(self._fill())

    async def _fill(self) -> None:
        while self._freed:
            self._freed = False
            try:
                await self.drain()
            except Exception as fault:  # the dispatcher looks every few seconds, and says so
                log.info("places_not_refilled", fault=repr(fault))
                return
