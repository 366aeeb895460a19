"""Rounds: one at a time, on while there is more, and a fault is told to whoever began."""

import asyncio

import pytest

from tests.support.waiting import soon
from wfpush.concurrency.keyed_limits import Rounds


class Source:
    """So many rounds find something; each waits until it is let go, one after the other."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds
        self.taken = self.at_once = self.most_at_once = 0
        self._let_go = asyncio.Semaphore(0)
        self.fault: Exception | None = None

    def let_go(self, rounds: int) -> None:
        for _ in range(rounds):
            self._let_go.release()

    async def take(self) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._let_go.acquire()
            if self.fault is not None:
                raise self.fault
            self.taken += 1
            self.left -= 1
            return self.left > 0
        finally:
            self.at_once -= 1


async def test_whoever_begins_waits_for_one_round_and_the_others_follow() -> None:
    source = Source(5)
    rounds = Rounds(source.take)
    beginning = asyncio.ensure_future(rounds.begin())
    await soon(lambda: source.at_once == 1, "the first round is under way")
    assert not beginning.done()

    source.let_go(1)
    await beginning
    assert rounds.under_way, "the others go on by themselves"
    source.let_go(4)
    await soon(lambda: not rounds.under_way, "all is taken")
    assert (source.taken, source.most_at_once) == (5, 1)


async def test_who_asks_during_a_round_has_another_follow() -> None:
    source = Source(1)
    rounds = Rounds(source.take)
    rounds.again()
    await soon(lambda: source.at_once == 1, "a round is under way")
    rounds.again()
    rounds.again()

    source.let_go(2)
    await soon(lambda: not rounds.under_way, "all is taken")
    assert (source.taken, source.most_at_once) == (2, 1)


async def test_a_fault_is_told_to_whoever_begins_and_ends_the_rounds_that_nobody_waits_for() -> None:
    source = Source(2)
    rounds = Rounds(source.take)
    source.fault = OSError("the database is away")
    source.let_go(4)
    rounds.again()
    await soon(lambda: not rounds.under_way, "it has ended")
    with pytest.raises(OSError, match="away"):
        await rounds.begin()

    source.fault = None
    await rounds.begin()
    await soon(lambda: not rounds.under_way, "it goes on")
    assert source.taken == 2
