"""An event loop in a thread: it keeps what was opened in it, gives up in time, and starts anew after a fork."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from wfpush.concurrency.background_loop import BackgroundLoop


@pytest.fixture
def background() -> Iterator[BackgroundLoop]:
    found = BackgroundLoop("test")
    yield found
    found.close()


async def its_loop() -> int:
    return id(asyncio.get_running_loop())


def test_all_work_runs_in_one_loop(background: BackgroundLoop) -> None:
    assert not background.alive
    first = background.run(its_loop())

    assert background.run(its_loop()) == first
    assert background.alive


def test_what_work_raises_its_caller_gets(background: BackgroundLoop) -> None:
    async def fails() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        background.run(fails())


def test_work_that_takes_too_long_is_cancelled(background: BackgroundLoop) -> None:
    ended = []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(TimeoutError):
        background.run(hangs(), timeout=0.05)
    assert ended == [True]
    assert background.run(its_loop())


def test_a_forked_process_has_a_loop_of_its_own(background: BackgroundLoop) -> None:
    background.run(its_loop())
    child = os.fork()
    if child == 0:  # nothing may raise here, or the tests would run on twice
        wrong = background.alive
        wrong = wrong or not background.run(its_loop(), timeout=10)
        os._exit(1 if wrong else 0)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert background.run(its_loop())


def test_after_its_end_it_starts_again(background: BackgroundLoop) -> None:
    background.run(its_loop())
    background.close()
    background.close()

    assert not background.alive
    assert background.run(its_loop())
