"""Places: each key has its own, what is due begins as soon as there is one, and nothing that fails keeps one."""

import asyncio
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.waiting import soon
from wfpush.concurrency.keyed_limits import ClaimedJobs, FreePlaces, Places

Job = tuple[str, int]


class Work:
    """Jobs in their order, each of a key; one ends when it is let go."""

    def __init__(self, *keys: str) -> None:
        self.due: list[Job] = [(key, number) for number, key in enumerate(keys)]
        self.begun: list[Job] = []
        self.let_go: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.breaks: set[str] = set()
        self.most_at_once: Counter[str] = Counter()
        self._now: Counter[str] = Counter()

    def claim(self, room: FreePlaces[str]) -> ClaimedJobs[str, Job]:
        fits = [(job, job[0]) for job in self.due if job[0] not in room.full]
        chosen = room.choose(fits[:3])
        self.due = [job for job in self.due if job not in chosen]
        return ClaimedJobs([(job[0], job) for job in chosen], len(chosen))

    async def do(self, job: Job) -> None:
        self.begun.append(job)
        self._now[job[0]] += 1
        self.most_at_once[job[0]] = max(self.most_at_once[job[0]], self._now[job[0]])
        try:
            await self.let_go[job[0]].wait()
            if job[0] in self.breaks:
                raise RuntimeError("It broke.")
        finally:
            self._now[job[0]] -= 1

    def places(self, most: int = 20, each: int = 4) -> Places[str, Job]:
        return Places(self.claim, self.do, most=most, each=each)

    def begun_of(self, key: str) -> int:
        return sum(job[0] == key for job in self.begun)


async def test_what_is_slow_fills_its_own_places_and_the_rest_is_done() -> None:
    work = Work(*["slow"] * 30, *["quick"] * 30)
    work.let_go["quick"].set()
    places = work.places()

    await places.drain()
    await soon(lambda: work.begun_of("quick") == 30, "all of the quick one is done, and nobody has drained again")

    assert (work.begun_of("slow"), places.room.taken) == (4, {"slow": 4})
    work.let_go["slow"].set()
    await places.drained()
    assert work.begun_of("slow") == 30 and work.most_at_once["slow"] == 4


async def test_what_breaks_gives_its_place_back() -> None:
    work = Work(*["bad"] * 9)
    work.breaks.add("bad")
    work.let_go["bad"].set()
    places = work.places()

    await places.drained()

    assert (work.begun_of("bad"), places.room.taken) == (9, {})


async def test_a_claim_that_fails_is_told_to_whoever_drains_and_ends_nothing_under_way() -> None:
    work = Work("a", "a")
    places, claim = work.places(), work.claim
    await places.drain()
    work.due.append(("b", 9))

    def fails(_room: FreePlaces[str]) -> ClaimedJobs[str, Job]:
        raise OSError("the database is away")

    places._claim = fails
    work.let_go["a"].set()
    await soon(lambda: not places.room.taken, "what was under way has ended, and its places were free")
    with pytest.raises(OSError, match="away"):
        await places.drain()

    places._claim = claim
    work.let_go["b"].set()
    await places.drained()
    assert work.begun[-1] == ("b", 9)


async def test_at_the_end_what_is_under_way_may_end_and_no_more_begins() -> None:
    work = Work(*["slow"] * 9)
    places = work.places()
    await places.drain()

    await places.close(0.0)
    await soon(lambda: not places.room.taken, "it is ended")

    assert work.begun_of("slow") == 4 and len(work.due) == 5


async def test_while_places_are_scarce_no_key_gets_more_than_a_part_of_its_own() -> None:
    work = Work(*[f"slow-{number}" for number in range(3) for _ in range(12)], *["quick"] * 5)
    work.let_go["quick"].set()
    places = work.places(most=24, each=12)

    await places.drain()
    await soon(lambda: work.begun_of("quick") == 5, "the quick one is done beside three that are slow")

    assert [work.begun_of(f"slow-{number}") <= 12 for number in range(3)] == [True] * 3
    for number in range(3):
        work.let_go[f"slow-{number}"].set()
    await places.drained()
    assert len(work.begun) == 41


@given(
    waiting=st.lists(st.sampled_from("abcd"), max_size=40),
    taken=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 5), max_size=4),
    left=st.integers(0, 10),
    each=st.integers(1, 5),
)
def test_whatever_waits_nobody_gets_more_than_there_is_and_the_oldest_go_first(
    waiting: list[str], taken: dict[str, int], left: int, each: int
) -> None:
    room = FreePlaces(left, each, taken)

    chosen = room.choose(list(enumerate(waiting)))

    assert len(chosen) <= left and chosen == sorted(chosen)
    counts = Counter(waiting[number] for number in chosen)
    assert all(count + taken.get(key, 0) <= each for key, count in counts.items())
    assert not counts.keys() & set(room.full)
    if len(chosen) < left:  # whoever was left out has no place left
        left_out = {key for number, key in enumerate(waiting) if number not in chosen}
        assert all(counts[key] + taken.get(key, 0) >= each for key in left_out)
