"""A process that hangs while it waits for a task keeps the others from none."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import psutil
import pytest

from tests.support.waiting import PATIENCE_SECONDS, eventually
from wfpush.processes.broker import TaskQueue

FORK = multiprocessing.get_context("fork")


def work(tasks: Any, done: Connection) -> None:
    """Sends by a pipe, which has no lock: a process that is suspended holds none but those of the tasks."""
    done.send("ready")
    for task in iter(tasks.get, "STOP"):
        done.send(task)


def received(done: Connection) -> Any:
    assert done.poll(PATIENCE_SECONDS), "nothing came"
    return done.recv()


@pytest.fixture
def tasks() -> Any:
    return TaskQueue(maxsize=2)


@pytest.fixture
def pipe() -> tuple[Connection, Connection]:
    return FORK.Pipe(duplex=False)


@pytest.fixture
def readers(tasks: Any, pipe: tuple[Connection, Connection]) -> Iterator[list[BaseProcess]]:
    """Two, which wait for tasks."""
    started: list[BaseProcess] = [FORK.Process(target=work, args=(tasks, pipe[1]), daemon=True) for _ in range(2)]
    for reader in started:
        reader.start()
    yield started
    for reader in started:
        reader.kill()
        reader.join()


@pytest.mark.parametrize("hanging", [0, 1])
def test_the_other_gets_them(
    tasks: Any, pipe: tuple[Connection, Connection], readers: list[BaseProcess], hanging: int
) -> None:
    done, _ = pipe
    assert [received(done) for _ in readers] == ["ready"] * 2
    for reader in (psutil.Process(each.pid) for each in readers):
        eventually(lambda reader=reader: reader.status() == psutil.STATUS_SLEEPING, "it waits")  # type: ignore[misc]
    psutil.Process(readers[hanging].pid).suspend()

    for number in range(10):
        tasks.put(number)
    assert [received(done) for _ in range(10)] == list(range(10))
