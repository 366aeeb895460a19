"""An event loop in a thread of its own, for synchronous code whose connections outlive a call."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Value = TypeVar("Value")


class BackgroundLoop:
    """Runs from its making until `close`, or until its process ends or forks."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name=name)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """False in a process that was forked from the one that made it: threads stay behind."""
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Await it there; the caller waits."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
