"""Channels' layer over Redis pub/sub: groups of sockets, to which any process sends.

Made for hints, which may be lost: opening a socket does not wait for Redis, and a socket that is too slow loses
messages instead of piling them up. When a process first reaches Redis, and after every loss of it, all its sockets get
a message (`on_begin`). The pub/sub layer of channels-redis 4.3 takes an `on_disconnect` and ignores it, and refuses
sockets while Redis is away.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import msgspec
import redis.asyncio
from channels.layers import BaseChannelLayer
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from wfpush.concurrency.cancellation import raise_if_cancelled
from wfpush.redis.subscription import Subscription

Message = dict[str, Any]

SEND_SECONDS = 2.0
PREFIX = "wfpush:group:"
EVERYWHERE = "wfpush:groups"
"""A channel on which every process receives messages to many groups, and takes those to its own."""
MAX_SINGLE_MESSAGES = 20
"""The most messages that are sent one by one. Redis and its clients need more time for a message than for its bytes."""


class RedisChannelLayer(BaseChannelLayer):
    """The layer of Channels. `on_begin`: the type of the message that every channel gets when it begins to hear its
    groups, at the start and when Redis is back: earlier messages may have been missed."""

    extensions = ["groups"]

    def __init__(self, url: str, on_begin: str, capacity: int = 200) -> None:
        super().__init__(capacity=capacity)
        self._url = url
        self._on_begin = on_begin
        self._loops: dict[asyncio.AbstractEventLoop, _Loop] = {}  # one or two for each process

    async def new_channel(self, prefix: str = "specific.") -> str:
        name = f"{prefix}{uuid4().hex}"
        self._here.channels[name] = asyncio.Queue(self.capacity)
        return name

    async def receive(self, channel: str) -> Message:
        """Return the next message. When Channels cancels this at a consumer's end, the channel is removed."""
        try:
            return await self._here.channels[channel].get()
        except BaseException:
            self.forget(channel)
            raise

    def forget(self, channel: str) -> None:
        """Remove the channel: its consumer has ended."""
        self._here.channels.pop(channel, None)

    async def send(self, channel: str, message: Message) -> None:
        """Send to a channel of this event loop. Channels of other loops are reached through their groups only."""
        self._here.put(channel, message)

    async def group_add(self, group: str, channel: str) -> None:
        here = self._here
        members = here.groups.setdefault(PREFIX + group, set())
        members.add(channel)
        here.listen()
        if len(members) == 1:
            await here.subscription.add(PREFIX + group)

    async def group_discard(self, group: str, channel: str) -> None:
        here = self._here
        members = here.groups.get(PREFIX + group, set())
        members.discard(channel)
        if not members and here.groups.pop(PREFIX + group, None) is not None:
            await here.subscription.drop(PREFIX + group)

    async def group_send(self, group: str, message: Message) -> None:
        """Send a message to a group. Raises RedisError when it cannot be sent."""
        await self.groups_send([(group, message)])

    async def groups_send(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Send messages to groups in one round trip. Raises RedisError when they cannot be sent."""
        publications = [(PREFIX + group, message) for group, message in messages]
        if len(publications) > MAX_SINGLE_MESSAGES:
            await self._here.sender.publish(EVERYWHERE, msgspec.msgpack.encode(publications))
        else:
            async with self._here.sender.pipeline(transaction=False) as pipeline:
                for group, message in publications:
                    pipeline.publish(group, msgspec.msgpack.encode(message))
                await pipeline.execute()
        raise_if_cancelled()

    async def groups_heard(self, groups: Sequence[str]) -> list[str]:
        """Return the groups to which a channel belongs, in any process (PUBSUB NUMSUB). Raises RedisError."""
        counts = await self._here.sender.pubsub_numsub(*(PREFIX + group for group in groups))
        raise_if_cancelled()
        return [group for group, (_, listeners) in zip(groups, counts, strict=True) if listeners]

    @property
    def _here(self) -> "_Loop":
        loop = asyncio.get_running_loop()
        if (loop_state := self._loops.get(loop)) is None:
            loop_state = self._loops[loop] = _Loop(self._url, {"type": self._on_begin})
        return loop_state


class _Loop:
    """The state of one event loop: its channels, and its connections to Redis."""

    def __init__(self, url: str, begun: Message) -> None:
        self.channels: dict[str, asyncio.Queue[Message]] = {}
        self.groups: dict[str, set[str]] = {}
        self.subscription = Subscription(url, self._hear, self._tell_all, names=[EVERYWHERE])
        once_more = Retry(NoBackoff(), 1, (redis.ConnectionError,))
        self.sender = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=SEND_SECONDS, socket_timeout=SEND_SECONDS, retry=once_more
        )
        self._begun = begun
        self._listening: asyncio.Task[None] | None = None

    def listen(self) -> None:
        if self._listening is None:
            self._listening = asyncio.create_task(self.subscription.run())

    def put(self, channel: str, message: Message) -> None:
        queue = self.channels.get(channel)
        if queue is not None and not queue.full():
            queue.put_nowait(message)

    def _hear(self, name: str, data: bytes) -> None:
        content = msgspec.msgpack.decode(data)
        for group, message in content if name == EVERYWHERE else [(name, content)]:
            for channel in self.groups.get(group, ()):
                self.put(channel, message)

    def _tell_all(self) -> None:
        for channel in self.channels:
            self.put(channel, self._begun)
