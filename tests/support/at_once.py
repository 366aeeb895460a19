"""Calls that begin in the same moment, each in a thread and on a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Return what they return, in their order. Raises what one of them raises."""
    ready = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            ready.wait(30)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def or_failure(call: Callable[[], T], failure: type[Exception]) -> Callable[[], T | Exception]:
    """The call, with exceptions of that class returned instead of raised."""

    def run() -> T | Exception:
        try:
            return call()
        except failure as failed:
            return failed

    return run
