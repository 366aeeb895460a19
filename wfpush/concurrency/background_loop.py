"""An event loop in a thread of its own, for synchronous code whose connections outlive a call."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar
from weakref import WeakSet

Value = TypeVar("Value")

_MARGIN_SECONDS = 1.0
"""Seconds by which work may overrun its timeout."""


class BackgroundLoop:
    """An event loop in a thread, which starts with the first work and ends with `close` or the process. Several threads
    may use it. A process that was forked from this one starts a thread of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, threading.Thread] | None = None
        _loops.add(self)

    @property
    def alive(self) -> bool:
        """Return whether the thread runs. False in a forked process: threads stay behind, and connections that work has
        opened there cannot be used."""
        return self._running is not None

    def run(self, work: Coroutine[Any, Any, Value], timeout: float | None = None) -> Value:
        """Await `work` in the loop, while the caller waits. Cancels it after `timeout` seconds: TimeoutError."""
        future = asyncio.run_coroutine_threadsafe(_with_timeout(work, timeout), self._start())
        return future.result(None if timeout is None else timeout + _MARGIN_SECONDS)

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._running is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, daemon=True, name=self._name)
                thread.start()
                self._running = loop, thread
            return self._running[0]

    def close(self) -> None:
        with self._lock:
            if self._running is not None:
                loop, thread = self._running
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                loop.close()
                self._running = None

    def forget(self) -> None:
        """Forget the thread, which exists only in the process that this one was forked from, and its lock."""
        self._lock, self._running = threading.Lock(), None


async def _with_timeout(work: Coroutine[Any, Any, Value], seconds: float | None) -> Value:
    async with asyncio.timeout(seconds):
        return await work


_loops: "WeakSet[BackgroundLoop]" = WeakSet()


def _forget_all() -> None:
    for loop in list(_loops):
        loop.forget()


os.register_at_fork(after_in_child=_forget_all)
