"""Listens on channels of Redis as long as the process lives, however often Redis goes, hangs and comes back."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import redis.asyncio
import structlog
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from wfpush.concurrency.cancellation import raise_if_cancelled

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
PING_SECONDS = 10.0
"""Seconds without a message after which Redis is pinged, and seconds that its answer may take."""

_ALWAYS = "wfpush:subscribers"
"""A channel to which every connection subscribes: a subscription without channels could not be held."""


class Subscription:
    """A subscription to channels. `hear` is called with name and data of each message. `on_begin` is called whenever it
    begins to hear, at the start and after a gap: earlier messages to its channels may have been missed."""

    def __init__(
        self,
        url: str,
        hear: Callable[[str, bytes], None],
        on_begin: Callable[[], None] = lambda: None,
        *,
        names: Iterable[str] = (),
    ) -> None:
        self._url = url
        self._hear = hear
        self._on_begin = on_begin
        self._names = set(names)
        self._pubsub: PubSub | None = None

    async def add(self, name: str) -> None:
        """Subscribe now, or as soon as Redis is back."""
        self._names.add(name)
        if self._pubsub is not None:
            with suppress(redis.RedisError, OSError):  # `run` notices it, too, and subscribes to all names again
                await self._pubsub.subscribe(name)
            raise_if_cancelled()

    async def drop(self, name: str) -> None:
        self._names.discard(name)
        if self._pubsub is not None:
            with suppress(redis.RedisError, OSError):
                await self._pubsub.unsubscribe(name)
            raise_if_cancelled()

    async def run(self) -> None:
        """Run until cancelled. Logs once when Redis goes, and once when it is back."""
        away = False
        while True:
            try:
                async with self._client() as client, client.pubsub() as pubsub:
                    await self._begin(pubsub)
                    if away:
                        log.info("subscription_back")
                    away = False
                    self._on_begin()
                    await self._listen(pubsub)
            except (redis.RedisError, OSError) as fault:
                if not away:
                    log.warning("subscription_away", fault=str(fault))
                away = True
            finally:
                self._pubsub = None
            raise_if_cancelled()  # the connection may have closed just now
            await asyncio.sleep(RETRY_SECONDS)

    def _client(self) -> "redis.asyncio.Redis":
        # Without redis-py's own retries, which would hide that messages were missed.
        once = Retry(NoBackoff(), 0)
        return redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=2, socket_timeout=5, retry=once)

    async def _begin(self, pubsub: PubSub) -> None:
        begun: set[str] = set()
        while missing := {_ALWAYS, *self._names} - begun:
            await pubsub.subscribe(*missing)
            raise_if_cancelled()
            begun |= missing
        self._pubsub = pubsub  # without an await since the last check: no name can have been added

    async def _listen(self, pubsub: PubSub) -> None:
        has_pinged = False
        while True:
            message = await pubsub.get_message(timeout=PING_SECONDS)
            if message is None and has_pinged:
                raise redis.TimeoutError(f"no sign of life for {PING_SECONDS:g} s")
            if message is None:
                await pubsub.ping()
                raise_if_cancelled()
            elif message["type"] == "message":
                self._hear(message["channel"].decode(), message["data"])
            has_pinged = message is None
