"""Threads that want the same thing share the doing of it, and none is harmed by another's."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.waiting import eventually
from wfpush.concurrency.group_commit import GroupCommit


class Lots:
    """Doubles numbers; remembers what was done together. The first lot waits until all others have come."""

    def __init__(self) -> None:
        self.lots: list[list[int]] = []
        self.all_came = threading.Event()

    def work(self, numbers: Sequence[int]) -> list[int]:
        self.lots.append(list(numbers))
        assert self.all_came.wait(60)
        if 13 in numbers:
            raise ValueError("13 brings bad luck")
        if 99 in numbers:
            raise OSError("nothing works")
        return [2 * number for number in numbers]


def do_all(together: GroupCommit[int, int], lots: Lots, numbers: Sequence[int]) -> list[int | Exception]:
    """What became of each number, one thread a number; the first is being done when the others come."""

    def one(number: int) -> int | Exception:
        try:
            return together.do(number)
        except Exception as fault:
            return fault

    with ThreadPoolExecutor(len(numbers)) as threads:
        first = threads.submit(one, numbers[0])
        eventually(lambda: lots.lots, "the first is at work")
        others = [threads.submit(one, number) for number in numbers[1:]]
        eventually(lambda: len(together._queue) == len(numbers) - 1, "all others wait")
        lots.all_came.set()
        return [future.result(60) for future in (first, *others)]


def test_who_comes_while_the_first_is_at_work_is_done_in_one_lot() -> None:
    lots = Lots()
    results = do_all(GroupCommit(lots.work, most=100), lots, range(100, 116))

    assert results == list(range(200, 232, 2))
    assert [sorted(lot) for lot in lots.lots] == [[100], list(range(101, 116))]


def test_a_lot_has_no_more_than_the_weight_allows() -> None:
    lots = Lots()
    results = do_all(GroupCommit(lots.work, most=4), lots, range(10))

    assert results == [2 * number for number in range(10)]
    assert [len(lot) for lot in lots.lots] == [1, 4, 4, 1]


def test_one_that_fails_takes_no_other_down() -> None:
    lots = Lots()
    results = do_all(GroupCommit(lots.work, most=100), lots, [1, 12, 13, 14])

    assert results[:2] == [2, 24]
    assert isinstance(results[2], ValueError)
    assert results[3] == 28


def test_what_is_hopeless_is_told_to_all_without_trying_again() -> None:
    lots = Lots()
    results = do_all(GroupCommit(lots.work, most=100, hopeless=(OSError,)), lots, [1, 99, 2, 3])

    assert results[0] == 2
    assert [type(result) for result in results[1:]] == [OSError] * 3
    assert len(lots.lots) == 2


def test_alone_it_is_done_at_once_and_again() -> None:
    lots = Lots()
    lots.all_came.set()
    together = GroupCommit(lots.work, most=100)

    assert [together.do(1), together.do(2)] == [2, 4]
    with pytest.raises(ValueError, match="bad luck"):
        together.do(13)
    assert together.do(3) == 6
