"""The dispatcher's loop: woken through the real Redis, one drain of a source at a time, alive whatever fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
import redis.asyncio
from django.conf import settings

from wfpush.processes import dispatcher
from wfpush.processes.dispatcher import Dispatcher
from wfpush.queue import outbox

NOWHERE = "unix:///nonexistent/redis.sock"


class Callbacks:
    """A source whose drains can be held up, counted and made to fail."""

    def __init__(self, name: str = "callbacks") -> None:
        self.drains = 0
        self.at_once = 0
        self.most_at_once = 0
        self.closed = False
        self.fails = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.changed = asyncio.Condition()
        self.source = outbox.Source(name, "dispatcher", self.has_due, self.drain, self.close)

    def has_due(self, now: datetime) -> bool:
        return True

    async def drain(self) -> None:
        await self.count(1)
        try:
            await self.may_go_on.wait()
            if self.fails:
                raise ConnectionError("the database is away")
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        self.closed = True

    async def count(self, started: int) -> None:
        async with self.changed:
            self.drains += started
            self.at_once += started
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.changed.notify_all()

    async def drained(self, times: int) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.drains >= times)


@asynccontextmanager
async def running(*parts: Callbacks, redis_url: str = "") -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = Dispatcher([part.source for part in parts], redis_url or settings.REDIS_URL)
    task = asyncio.create_task(running.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


async def publish(name: str) -> None:
    """Wake as `outbox.wake` does, once the dispatcher listens."""
    async with asyncio.timeout(10), redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        await client.set(outbox.flag_of(name), 1)
        while not await client.publish(outbox.WAKE_CHANNEL, name):  # noqa: ASYNC110 - nobody tells of subscribers
            await asyncio.sleep(0.01)


@pytest.fixture
def seldom_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 3600.0)


@pytest.mark.usefixtures("seldom_looking")
async def test_a_published_name_wakes_its_source_and_no_other() -> None:
    callbacks, push = Callbacks(), Callbacks("push")
    async with running(callbacks, push):
        await asyncio.gather(callbacks.drained(1), push.drained(1))  # everything once at the start
        await publish("callbacks")
        await callbacks.drained(2)
        assert push.drains == 1


@pytest.mark.usefixtures("seldom_looking")
async def test_a_wake_up_during_a_drain_causes_exactly_one_more() -> None:
    callbacks = Callbacks()
    async with running(callbacks):
        await callbacks.drained(1)
        callbacks.may_go_on.clear()
        await publish("callbacks")
        await callbacks.drained(2)
        await publish("callbacks")
        await publish("callbacks")
        await publish("unknown")
        callbacks.may_go_on.set()
        await callbacks.drained(3)
    assert (callbacks.drains, callbacks.most_at_once) == (3, 1)


@pytest.mark.usefixtures("seldom_looking")
async def test_of_several_dispatchers_one_takes_a_wake_up_and_who_is_busy_leaves_it_to_another() -> None:
    first, second = Callbacks(), Callbacks()
    async with running(first), running(second):
        await asyncio.gather(first.drained(1), second.drained(1))
        for times in range(1, 6):
            await publish("callbacks")
            async with asyncio.timeout(10):
                while first.drains + second.drains < 2 + times:  # noqa: ASYNC110 - either of them may have it
                    await asyncio.sleep(0.01)
        first.may_go_on.clear()
        second.may_go_on.clear()
        await publish("callbacks")
        await asyncio.sleep(0)
        busy = await first_of(first, second)
        idle = second if busy is first else first
        idle.may_go_on.set()
        before = idle.drains
        await publish("callbacks")
        await idle.drained(before + 1)
        busy.may_go_on.set()
        await publish("nothing")  # both have heard all that was before it
    assert first.drains + second.drains == 9


async def first_of(*parts: Callbacks) -> Callbacks:
    """Whichever is draining."""
    async with asyncio.timeout(10):
        while not any(part.at_once for part in parts):  # noqa: ASYNC110 - either of them may be
            await asyncio.sleep(0.01)
    return next(part for part in parts if part.at_once)


async def test_without_redis_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 0.05)
    callbacks = Callbacks()
    async with running(callbacks, redis_url=NOWHERE):
        await callbacks.drained(3)


async def test_a_source_that_fails_is_tried_again_and_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(dispatcher, "RETRY_SECONDS", 0.01)
    callbacks, push = Callbacks(), Callbacks("push")
    callbacks.fails = True
    async with running(callbacks, push):
        await callbacks.drained(2)
        await push.drained(2)
        callbacks.fails = False
        await callbacks.drained(3)


@pytest.mark.usefixtures("seldom_looking")
async def test_what_is_in_flight_may_finish_and_then_sources_give_back_what_they_hold() -> None:
    callbacks = Callbacks()
    callbacks.may_go_on.clear()
    async with running(callbacks) as stop:
        await callbacks.drained(1)
        stop.set()
        callbacks.may_go_on.set()
    assert callbacks.at_once == 0
    assert callbacks.closed


@pytest.mark.usefixtures("seldom_looking")
async def test_a_drain_that_does_not_finish_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "STOP_SECONDS", 0.05)
    callbacks = Callbacks()
    callbacks.may_go_on.clear()
    async with running(callbacks):
        await callbacks.drained(1)
    assert callbacks.closed
