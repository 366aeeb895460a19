"""Sends the outboxes: each instance's events in order, until wfpush has all of them."""

import asyncio
import logging
from contextlib import suppress
from typing import Literal

from demo.client import Refused, Unavailable, WfpushClient
from demo.engine import Engine
from demo.records import EventRecord

log = logging.getLogger("demo.sender")

FIRST_WAIT = 0.2
LONGEST_WAIT = 3.0
_AT_ONCE = 8
_PATIENCE = 30.0


class Connection:
    """How the last call to wfpush went, for the page."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.state: Literal["waiting", "connected"] = "waiting"
        self.detail = ""
        self.client: WfpushClient | None = None
        """Set while the engine runs."""

    def worked(self) -> bool:
        """Notes a success. Returns True when it ends a time of failures."""
        changed = self.state != "connected"
        self.state, self.detail = "connected", ""
        return changed

    def failed(self, error: Unavailable) -> None:
        """Notes a failure that will be tried again."""
        if self.state == "connected" or self.detail != str(error):
            log.warning("waiting for wfpush at %s: %s", self.url, error)
        self.state, self.detail = "waiting", str(error)


def backoff(failures: int, retry_after: float | None) -> float:
    """Seconds to wait after so many failures in a row: doubling up to LONGEST_WAIT; longer if wfpush asked for it."""
    return max(min(FIRST_WAIT * 2.0 ** min(failures - 1, 20), LONGEST_WAIT), retry_after or 0.0)


class Sender:
    """One task for each instance that has something to send."""

    def __init__(self, engine: Engine, client: WfpushClient, connection: Connection) -> None:
        self._engine = engine
        self._client = client
        self._connection = connection
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._recovered = asyncio.Event()
        self._prober: str | None = None
        self._open = False

    def open(self) -> None:
        """Begins sending, with what was left unsent before."""
        self._open = True
        for instance_id in self._engine.unsent():
            self.notify(instance_id)

    def notify(self, instance_id: str) -> None:
        """There is something to send. Before `open` nothing is sent: wfpush must know the people first."""
        if not self._open:
            return
        self._again.add(instance_id)
        if instance_id not in self._running:
            task = asyncio.create_task(self._drain(instance_id), name=f"send {instance_id}")
            self._running[instance_id] = task

    async def close(self) -> None:
        """Stops sending; what is unsent stays in the outboxes."""
        self._open = False
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, instance_id: str) -> None:
        failures = 0
        try:
            # A notification that comes while the last event is being sent must not be lost with this task's end.
            while instance_id in self._again:
                self._again.discard(instance_id)
                while (event := self._engine.record(instance_id).next_event) is not None:
                    async with self._slots:
                        error = await self._send(instance_id, event)
                    failures = failures + 1 if error else 0
                    if error:
                        await self._pause(instance_id, error, failures)
        finally:
            del self._running[instance_id]
            if self._prober == instance_id:
                self._prober = None

    async def _send(self, instance_id: str, event: EventRecord) -> Unavailable | None:
        """Tries once and writes down a definite outcome. Returns why to try again, or None."""
        try:
            detail = await self._client.send_event(event)
            await self._engine.note_event(instance_id, event.id, state="sent", detail=detail)
        except Refused as error:
            log.warning("event %s (%s) is refused: %s", event.id, event.type, error)
            await self._engine.note_event(instance_id, event.id, state="refused", detail=str(error))
        except Unavailable as error:
            if error.away:
                self._connection.failed(error)
                return error
            log.warning("event %s (%s) is tried again: %s", event.id, event.type, error)
            self._reached()
            return error
        self._reached()
        return None

    def _reached(self) -> None:
        self._prober = None
        if self._connection.worked():
            self._recovered.set()
            self._recovered = asyncio.Event()

    async def _pause(self, instance_id: str, error: Unavailable, failures: int) -> None:
        """Waits before the next try. While wfpush is away, the first waiting task tries for all and wakes the
        others."""
        seconds = backoff(failures, error.retry_after)
        if not error.away:
            await asyncio.sleep(seconds)
        elif self._prober in (None, instance_id):
            self._prober = instance_id
            await asyncio.sleep(seconds)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._recovered.wait()
