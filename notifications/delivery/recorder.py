"""Writes results in bulk: each time all that have come in during the last write."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from notifications.delivery import results
from notifications.delivery.attempts import Result, Service
from wfpush.concurrency.threads import in_database_thread

log = structlog.get_logger(__name__)

RECORD_AGAIN = 1.0
"""Seconds after which writing is tried again when the database is away."""


class Recorder:
    """`paused` is called with services that are paused from now on. Belongs to one event loop."""

    def __init__(self, paused: Callable[[dict[Service, datetime]], None]) -> None:
        self._paused = paused
        self._waiting: list[tuple[Result, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None

    async def write(self, result: Result) -> None:
        """Returns when the result is written, together with all others that wait."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((result, written))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record())
        await written

    async def close(self, seconds: float) -> None:
        """Finish writing within so many seconds."""
        if self._recording is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._recording

    async def _record(self) -> None:
        """Write all waiting results together, until none are left. Results that the database does not take are kept."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                self._paused(await in_database_thread(results.write, [each for each, _ in batch], timezone.now()))
            except (OperationalError, InterfaceError) as fault:  # leases cover what is lost with this process
                log.error("results_not_recorded", count=len(batch), fault=repr(fault))
                self._waiting = batch + self._waiting
                await asyncio.sleep(RECORD_AGAIN)
                continue
            except Exception:  # one of them cannot be written, and must not hold up the others
                log.exception("results_not_recorded", count=len(batch))
                await self._write_singly([each for each, _ in batch])
            for _, written in batch:
                if not written.cancelled():
                    written.set_result(None)

    async def _write_singly(self, batch: Sequence[Result]) -> None:
        for result in batch:
            try:
                self._paused(await in_database_thread(results.write, [result], timezone.now()))
            except Exception:  # its lease ends, and it is tried again
                log.exception("result_not_recorded", row=str(result.attempt.row.pk))
