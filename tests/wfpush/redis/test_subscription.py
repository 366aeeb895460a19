"""Subscriptions and the channel layer: they outlive Redis, and say when they begin to hear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio
from django.conf import settings

from wfpush.redis import subscription
from wfpush.redis.channel_layer import MAX_SINGLE_MESSAGES, PREFIX, RedisChannelLayer
from wfpush.redis.subscription import Subscription


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "RETRY_SECONDS", 0.05)


class Relay:
    """Stands between the client and the real Redis: it can cut its connections, or swallow what is said on them."""

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []
        self._mute: set[asyncio.StreamWriter] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = settings.REDIS_URL.removeprefix("unix://").partition("?")[0]
        there_reader, there_writer = await asyncio.open_unix_connection(path)
        self._writers += [writer, there_writer]
        await asyncio.gather(self._pass_on(reader, there_writer), self._pass_on(there_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if writer not in self._mute:
                writer.write(data)
        writer.close()

    def mute(self) -> None:
        """The connections there are; later ones are not."""
        self._mute.update(self._writers)

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def relayed() -> AsyncIterator[tuple[Relay, str]]:
    relay = Relay()
    server = await asyncio.start_server(relay.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield relay, f"redis://127.0.0.1:{port}/0"
    finally:
        relay.cut()
        server.close()


class Heard:
    """What a subscription heard, and how often it began to."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.begins: asyncio.Queue[None] = asyncio.Queue()

    def hear(self, name: str, data: bytes) -> None:
        self.messages.put_nowait((name, data))

    def on_begin(self) -> None:
        self.begins.put_nowait(None)


@asynccontextmanager
async def listening(url: str, *names: str) -> AsyncIterator[tuple[Subscription, Heard]]:
    heard = Heard()
    made = Subscription(url, heard.hear, heard.on_begin)
    for name in names:
        await made.add(name)
    running = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(30):
            yield made, heard
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=30)
        assert running.done()


async def publish(name: str, data: bytes) -> None:
    """Once somebody listens."""
    async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        while not await client.publish(name, data):  # noqa: ASYNC110 - nobody tells of subscribers
            await asyncio.sleep(0.01)


async def test_names_from_before_and_after_the_start_are_heard() -> None:
    async with listening(settings.REDIS_URL, "test:early") as (made, heard):
        await publish("test:early", b"1")
        assert await heard.messages.get() == ("test:early", b"1")
        await made.add("test:late")
        await publish("test:late", b"2")
        assert await heard.messages.get() == ("test:late", b"2")
        assert heard.begins.qsize() == 1


async def test_after_a_cut_every_name_is_heard_again_and_the_loss_is_told() -> None:
    async with relayed() as (relay, url), listening(url, "test:one") as (made, heard):
        await publish("test:one", b"1")
        await heard.messages.get()
        await heard.begins.get()
        await made.add("test:two")
        relay.cut()
        await heard.begins.get()
        for name in ("test:one", "test:two"):
            await publish(name, b"again")
            assert await heard.messages.get() == (name, b"again")


async def test_a_redis_without_a_sign_of_life_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "PING_SECONDS", 0.2)
    async with relayed() as (relay, url), listening(url, "test:one") as (_, heard):
        await publish("test:one", b"1")
        await heard.messages.get()
        await heard.begins.get()
        relay.mute()
        await heard.begins.get()
        await publish("test:one", b"2")
        assert await heard.messages.get() == ("test:one", b"2")


@pytest.mark.parametrize(("ping_seconds", "turns"), [(10.0, 60), (0.001, 300)])
async def test_one_cancellation_ends_it_whenever_it_comes(
    monkeypatch: pytest.MonkeyPatch, ping_seconds: float, turns: int
) -> None:
    """Also one that meets redis-py just as a command is sent, which Python 3.11 swallows. A subscription has begun to
    listen after some 25 turns of the event loop; with short pauses between pings it goes on sending them."""
    monkeypatch.setattr(subscription, "PING_SECONDS", ping_seconds)
    for steps in list(range(turns)) * (300 // turns):
        assert await ends_after(steps), f"cancelled after {steps} turns, it went on"


async def ends_after(steps: int) -> bool:
    """Whether a subscription that is cancelled after so many turns of the event loop ends by that."""
    heard = Heard()
    running = asyncio.create_task(Subscription(settings.REDIS_URL, heard.hear).run())
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    _, left = await asyncio.wait([running], timeout=2)
    while not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=0.2)
    return not left


async def test_a_consumer_that_is_cancelled_while_it_joins_does_not_stay() -> None:
    async with listening(settings.REDIS_URL, "test:one") as (made, _):
        await publish("test:one", b"1")
        for steps in list(range(12)) * 20:
            joining = asyncio.create_task(join_and_stay(made, f"test:{steps}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            joining.cancel()
            _, left = await asyncio.wait([joining], timeout=2)
            joining.cancel()
            assert not left, f"cancelled after {steps} turns, it stayed"


async def join_and_stay(made: Subscription, name: str) -> None:
    await made.add(name)
    await made.drop(name)
    await asyncio.Event().wait()


async def test_a_group_reaches_all_its_channels_and_no_other() -> None:
    layer = RedisChannelLayer(settings.REDIS_URL, on_begin="missed")
    bob, bob_too, carol = [await layer.new_channel() for _ in range(3)]
    for group, channel in (("inbox.bob", bob), ("inbox.bob", bob_too), ("inbox.carol", carol)):
        await layer.group_add(group, channel)
    await somebody_listens("inbox.carol")
    assert await layer.groups_heard(["inbox.bob", "inbox.nobody", "inbox.carol"]) == ["inbox.bob", "inbox.carol"]
    await layer.groups_send(
        [("inbox.bob", {"type": "changed", "seq": 1}), ("inbox.carol", {"type": "changed", "seq": 2})]
    )
    async with asyncio.timeout(20):
        assert [await layer.receive(each) for each in (bob, bob_too, carol)] == [{"type": "missed"}] * 3
        assert [(await layer.receive(each))["seq"] for each in (bob, bob_too, carol)] == [1, 1, 2]
        await layer.groups_send(
            [(f"inbox.{name}", {"type": "changed", "seq": 4}) for name in ["carol", *range(MAX_SINGLE_MESSAGES)]]
        )
        assert (await layer.receive(carol))["seq"] == 4, "one of many messages"
        await layer.group_discard("inbox.bob", bob)
        await layer.group_send("inbox.bob", {"type": "changed", "seq": 3})
        assert (await layer.receive(bob_too))["seq"] == 3
    assert layer._here.channels[bob].empty()


async def test_without_redis_channels_open_and_are_told_when_they_begin_to_hear() -> None:
    async with relayed() as (relay, url):
        layer = RedisChannelLayer(url, on_begin="missed")
        channel = await layer.new_channel()
        await layer.group_add("inbox.bob", channel)
        async with asyncio.timeout(20):
            assert await layer.receive(channel) == {"type": "missed"}, "messages before the subscription"
            relay.cut()
            assert await layer.receive(channel) == {"type": "missed"}


async def test_a_channel_that_does_not_keep_up_loses_messages_and_ends_with_its_consumer() -> None:
    layer = RedisChannelLayer(settings.REDIS_URL, on_begin="missed", capacity=2)
    channel = await layer.new_channel()
    for seq in range(5):
        await layer.send(channel, {"seq": seq})
    assert [(await layer.receive(channel))["seq"] for _ in range(2)] == [0, 1]
    receiving = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(0)
    receiving.cancel()
    await asyncio.wait([receiving])
    assert channel not in layer._here.channels


async def somebody_listens(group: str) -> None:
    async with asyncio.timeout(20), redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        while not (await client.pubsub_numsub(PREFIX + group))[0][1]:  # noqa: ASYNC110 - nobody tells of subscribers
            await asyncio.sleep(0.01)
