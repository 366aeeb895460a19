"""The dispatcher: one asyncio loop on uvloop for all work that waits on the network.

Each source registered for it is drained by one job at a time: when a wake-up comes from Redis, and every LOOK_SECONDS
anyway, so that a lost Redis costs only that much latency. All dispatchers hear a wake-up, and the first idle one takes
it; the others would query the database for work that is taken.
"""

import asyncio
import resource
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import cast

import redis.asyncio
import structlog
import uvloop
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from wfpush.concurrency.cancellation import raise_if_cancelled
from wfpush.postgres.silence import limit_waits
from wfpush.processes import lifeline
from wfpush.processes.garbage import tune_garbage_collection
from wfpush.processes.heartbeats import send_pulses
from wfpush.queue import outage, outbox
from wfpush.redis.cooldown import redis_cooldown
from wfpush.redis.subscription import Subscription

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
STOP_SECONDS = 2.0
RETRY_SECONDS = 1.0


class WakeUps:
    """Takes wake-ups for this dispatcher. Each is handled by one of all dispatchers."""

    def __init__(self, redis_url: str) -> None:
        once = Retry(NoBackoff(), 0)
        self._redis = redis.asyncio.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=2, retry=once)

    async def take(self, source: str) -> bool:
        """Return whether this dispatcher handles the wake-up. While Redis does not answer, every dispatcher does."""
        if redis_cooldown:
            return True
        try:
            return bool(await self._redis.delete(outbox.flag_of(source)))
        except (redis.RedisError, OSError) as fault:
            redis_cooldown.after(fault)
            return True

    async def close(self) -> None:
        await self._redis.aclose()


class Job:
    """Drains one source. Woken meanwhile, it drains once more, if no other dispatcher has taken the wake-up."""

    def __init__(self, source: outbox.Source, wake_ups: WakeUps) -> None:
        self.source = source
        self._wake_ups = wake_ups
        self._looks = True
        self._drain = cast(Callable[[], Awaitable[None]], source.drain)
        self._woken = asyncio.Event()
        self._failing = False
        self.idle = asyncio.Event()

    def look(self) -> None:
        """Drain in any case."""
        self._looks = True
        self._woken.set()

    def hear(self) -> None:
        """Drain if no other dispatcher has taken the wake-up."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            raise_if_cancelled()  # `drain` uses libraries that may swallow a cancellation
            self.idle.set()
            await self._woken.wait()
            self.idle.clear()
            self._woken.clear()
            looks, self._looks = self._looks, False
            if not await self._wake_ups.take(self.source.name) and not looks:
                continue
            try:
                await self._drain()
                self._works()
            except Exception as fault:  # no failure of one source may stop the others
                self._fails(fault)
                await asyncio.sleep(RETRY_SECONDS)  # not at full speed while the database is away

    def _works(self) -> None:
        outage.database.ended()
        if self._failing:
            log.info("drain_works_again", source=self.source.name)
        self._failing = False

    def _fails(self, fault: Exception) -> None:
        if outage.database_is_away(fault):
            outage.database.began(fault)  # logged once for all sources
        elif not self._failing:
            self._failing = True
            log.error("drain_failing", source=self.source.name, fault=repr(fault), exc_info=True)


class Dispatcher:
    def __init__(self, sources: Sequence[outbox.Source], redis_url: str) -> None:
        self._wake_ups = WakeUps(redis_url)
        self._jobs = {source.name: Job(source, self._wake_ups) for source in sources}
        self._heard = Subscription(redis_url, self._hear)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Running work may then finish for a moment; leases cover the rest."""
        await self._heard.add(outbox.WAKE_CHANNEL)
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(self._heard.run()), group.create_task(self._look())]
            jobs = [group.create_task(job.run()) for job in self._jobs.values()]
            log.info("dispatcher_runs", sources=sorted(self._jobs))
            await stop.wait()
            await _end(others)
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await asyncio.gather(*(job.idle.wait() for job in self._jobs.values()))
            await _end(jobs)
        for job in self._jobs.values():
            if job.source.close is not None:
                await job.source.close()
        await self._wake_ups.close()

    async def _look(self) -> None:
        while True:
            for job in self._jobs.values():
                job.look()
            await asyncio.sleep(LOOK_SECONDS)

    def _hear(self, _channel: str, name: bytes) -> None:
        if job := self._jobs.get(name.decode(errors="replace")):
            job.hear()


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel the tasks until they end: a library may have swallowed a cancellation in the middle of a drain."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.2)


def run() -> None:
    """Run a dispatcher process until SIGTERM or SIGINT."""
    limit_waits()
    tune_garbage_collection()
    allow_many_sockets()
    send_pulses()
    uvloop.run(_main())


def allow_many_sockets() -> None:
    """Raise the limit of open files to this user's maximum: connections to hundreds of hanging devices must not keep
    working ones from being called."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _main() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    lifeline.follow()
    with suppress(asyncio.CancelledError):
        await Dispatcher(outbox.sources("dispatcher"), settings.REDIS_URL).run(stop)
    log.info("dispatcher_stopped")
