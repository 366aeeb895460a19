"""An event loop in a thread of its own, for services beside tests that wait."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aiohttp import web

Value = TypeVar("Value")

SECONDS = 30.0


class Background:
    """Runs from its making until `stop`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True, name="pushlab")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Await it there, from a test."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SECONDS)

    def stop(self) -> None:
        self.run(_end_the_rest())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        self.loop.close()


async def _end_the_rest() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def hosted(application: web.Application) -> Iterator[str]:
    """The address of the application on loopback, which a thread of its own serves."""
    background, runner = Background(), web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    background.run(runner.setup())
    background.run(web.TCPSite(runner, "127.0.0.1", 0).start())
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        background.run(runner.cleanup())
        background.stop()
