"""A process that hangs while it waits for a task keeps the others from none."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from typing import Any

import psutil
import pytest

from tests.support.waiting import PATIENCE_SECONDS, eventually
from wfpush.processes.broker import TaskQueue

FORK = multiprocessing.get_context("fork")


def work(tasks: Any, done: Any) -> None:
    done.put("ready")
    for task in iter(tasks.get, "STOP"):
        done.put(task)


@pytest.fixture
def queues() -> tuple[Any, Any]:
    return TaskQueue(maxsize=2), FORK.Queue()


@pytest.fixture
def readers(queues: tuple[Any, Any]) -> Iterator[list[BaseProcess]]:
    """Two, which wait for tasks."""
    started: list[BaseProcess] = [FORK.Process(target=work, args=queues, daemon=True) for _ in range(2)]
    for reader in started:
        reader.start()
    yield started
    for reader in started:
        reader.kill()
        reader.join()


@pytest.mark.parametrize("hanging", [0, 1])
def test_the_other_gets_them(queues: tuple[Any, Any], readers: list[BaseProcess], hanging: int) -> None:
    tasks, done = queues
    assert [done.get(timeout=PATIENCE_SECONDS) for _ in readers] == ["ready"] * 2
    for reader in (psutil.Process(each.pid) for each in readers):
        eventually(lambda reader=reader: reader.status() == psutil.STATUS_SLEEPING, "it waits")  # type: ignore[misc]
    psutil.Process(readers[hanging].pid).suspend()

    for number in range(10):
        tasks.put(number)
    assert [done.get(timeout=PATIENCE_SECONDS) for _ in range(10)] == list(range(10))
