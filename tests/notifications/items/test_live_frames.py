"""Live frames of messages to many: made for those who have an inbox open, and nobody misses one."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from channels.db import database_sync_to_async
from django.db import connections

from notifications.items import live_frames
from tests.factories import RecipientFactory, TeamFactory
from tests.support.live_inbox import close_sockets_connections, frame, inbox_of
from tests.support.story import Story
from wfpush.redis.channel_layer import RedisChannelLayer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story() -> Story:
    """With a crowd: more people than are told without asking who looks."""
    story = Story.begin()
    people = [
        story.bob,
        *(RecipientFactory(ref=f"p{number}") for number in range(live_frames.MAX_UNCHECKED_PEOPLE + 1)),
    ]
    TeamFactory(slug="crowd", name="Crowd", members=people)
    return story


@pytest.fixture(autouse=True)
async def no_connection_stays() -> AsyncIterator[None]:
    """The threads that ask the database outlive the sockets, and would keep their connections."""
    yield
    await database_sync_to_async(connections.close_all)()
    await close_sockets_connections()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups to which frames are sent."""
    groups: list[str] = []
    send = live_frames._send

    def note(frames: list[live_frames.Frame]) -> None:
        groups.extend(group for group, _ in frames)
        send(frames)

    monkeypatch.setattr(live_frames, "_send", note)
    return groups


async def test_of_many_people_those_who_look_are_told(story: Story, told: list[str]) -> None:
    async with inbox_of(story.bob) as (communicator, _):
        await database_sync_to_async(story.assign)(teams=["crowd"])
        assert (await frame(communicator))["seq"] == 1
        await database_sync_to_async(story.happen)("task.completed", {"task": {"id": "T-42"}})
        assert (await frame(communicator))["notification"]["state"] == "withdrawn"
    assert told == 2 * [live_frames.group_of(story.bob.pk)]


async def test_an_inbox_that_opens_after_it_was_asked_who_looks_has_the_item(
    story: Story, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = threading.Event(), threading.Event()
    groups_heard = RedisChannelLayer.groups_heard

    async def hold(layer: RedisChannelLayer, groups: list[str]) -> list[str]:
        heard = await groups_heard(layer, groups)
        asked.set()
        await asyncio.to_thread(go_on.wait, 5)
        return heard

    monkeypatch.setattr(RedisChannelLayer, "groups_heard", hold)
    assigning = asyncio.create_task(asyncio.to_thread(alone, lambda: story.assign(teams=["crowd"])))
    assert await asyncio.to_thread(asked.wait, 10)
    async with inbox_of(story.bob) as (_, frames):
        assert [(each["type"], each["seq"]) for each in frames] == [("notification", 1), ("synced", 1)]
        go_on.set()
        await assigning
    assert told == []


def alone(work: Callable[[], object]) -> None:
    """In a thread of its own, with a database connection of its own."""
    try:
        work()
    finally:
        connections.close_all()
