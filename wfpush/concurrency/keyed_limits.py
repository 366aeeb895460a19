"""Limits how much work runs at once, in all and for each key, so that a slow key uses up its own places only.

Due work is claimed only when a place is free for it, so no lease runs out in a queue. When a job ends, its place is
free at once; no job waits for a batch to end. A key without free places is left out of the claim, so that rows of other
keys are found however many older rows it has.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from wfpush.concurrency.threads import in_database_thread

log = structlog.get_logger(__name__)


class Rounds:
    """Rounds of taking work. `take` does one and returns whether there may be more. Belongs to one event loop."""

    def __init__(self, take: Callable[[], Awaitable[bool]]) -> None:
        self._take = take
        self._one_at_a_time = asyncio.Lock()
        self._is_requested = False
        self._task: asyncio.Task[None] | None = None

    async def once(self) -> bool:
        """Do one round, after one that is under way. Raises the round's error."""
        async with self._one_at_a_time:
            return await self._take()

    async def begin(self) -> None:
        """Do one round, and start the following ones in the background."""
        if await self.once():
            self.again()

    def again(self) -> None:
        """Start rounds in the background, until there is nothing left to take."""
        self._is_requested = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go_round())

    async def _go_round(self) -> None:
        while self._is_requested:
            self._is_requested = False
            try:
                while await self.once():
                    pass
            except Exception as fault:  # the dispatcher begins again every few seconds, and logs why
                log.info("round_failed", fault=repr(fault))
                return

    @property
    def under_way(self) -> "list[asyncio.Task[None]]":
        """Return the task to await until nothing more is taken: none or one."""
        return [self._task] if self._task is not None and not self._task.done() else []

    def cancel(self) -> None:
        for task in self.under_way:
            task.cancel()


Key = TypeVar("Key", bound=Hashable)
Job = TypeVar("Job")

SCARCE = 4
"""The divisor of a key's limit while places are scarce, because several keys may be slow."""


@dataclass(frozen=True)
class FreePlaces(Generic[Key]):
    """The free places at one moment: `left` in all, `each` for one key, minus its `taken` ones. Places are scarce while
    fewer than `scarce_below` are left."""

    left: int
    each: int
    taken: Mapping[Key, int]
    scarce_below: int = 0

    @property
    def full(self) -> list[Key]:
        return [key for key, count in self.taken.items() if count >= self._of_key(self.left)]

    def choose(self, waiting: Iterable[tuple[Any, Key]]) -> list[Any]:
        """Return the ids for which there is a place, in their order. `waiting`: pairs of id and key."""
        taken, chosen = Counter(self.taken), list[Any]()
        for id, key in waiting:
            left = self.left - len(chosen)
            if left > 0 and taken[key] < self._of_key(left):
                taken[key] += 1
                chosen.append(id)
        return chosen

    def _of_key(self, left: int) -> int:
        return self.each if left >= self.scarce_below else max(1, self.each // SCARCE)


@dataclass(frozen=True)
class ClaimedJobs(Generic[Key, Job]):
    """Jobs that may begin now. `rows`: the number of claimed rows, including rows without a job."""

    jobs: Sequence[tuple[Key, Job]]
    rows: int


class Places(Generic[Key, Job]):
    """Runs due work within limits: at most `most` jobs at once, of these `each` for one key.

    `claim` takes due work for the free places, in the database's thread; `do` does one job. Belongs to the event loop
    of its first drain.
    """

    def __init__(
        self,
        claim: Callable[[FreePlaces[Key]], ClaimedJobs[Key, Job]],
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
        self._rounds = Rounds(self.fill)

    @property
    def room(self) -> FreePlaces[Key]:
        left = self._most - len(self._under_way)
        return FreePlaces(left, self._each, dict(self._taken), scarce_below=self._most - self._most // 2)

    async def fill(self) -> bool:
        """Claim once for the places that are free. Return whether another claim may find more."""
        room = self.room
        if room.left <= 0:
            return False
        claimed = await in_database_thread(self._claim, room)
        for key, job in claimed.jobs:
            self._begin(key, job)
        return claimed.rows > 0

    async def begin(self) -> None:
        """Make the first claim, and return. Later claims and running jobs go on."""
        await self._rounds.begin()

    async def drain(self) -> None:
        """Begin all due work that has a place, and return. Jobs that have begun go on."""
        while await self._rounds.once():
            pass

    async def drained(self) -> None:
        """Return when nothing is due and nothing is running."""
        await self.drain()
        await self.idle()

    async def idle(self) -> None:
        """Return when no more claims are made and nothing is running."""
        while waiting := [*self._under_way, *self._rounds.under_way]:
            await asyncio.wait(waiting)

    async def close(self, seconds: float) -> None:
        """Give running jobs a moment to end. Their leases cover the rest."""
        self._rounds.cancel()
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
        except Exception:  # the job's lease ends and it is tried again; the other jobs go on
            log.exception("work_under_way_failed")

    def _ended(self, key: Key, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]
        if not task.cancelled():
            task.exception()  # retrieved: `_one` logs errors, and the loop itself raises what ends the process
            self._rounds.again()  # claim work for a place that is free again, without waiting for the next wake-up
