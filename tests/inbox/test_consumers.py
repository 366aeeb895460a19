"""The live inbox: resume, contiguous frames, gaps found, sign-out noticed (docs/api/inbox.md, `WS /ws/inbox`)."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from channels import DEFAULT_CHANNEL_LAYER
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from redis.asyncio.client import PubSub

from escalations.clocks import due_steps, policy_reload
from escalations.models import Policy
from notifications.absences import entering
from notifications.inbox import consumers, socket_limits
from notifications.items import inbox_items, live_frames
from notifications.items.representation import iso_utc
from notifications.models import Account, Notification, Recipient, RecipientToken
from notifications.people import devices, revocation
from notifications.types import NewAddress
from tests.support.live_inbox import (
    OURS,
    close_code,
    close_sockets_connections,
    cookie_of,
    frame,
    inbox_of,
    resume,
    socket,
    token_of,
)
from tests.support.story import Story
from wfpush.asgi import application
from wfpush.crypto import digest_of
from wfpush.redis.subscription import Subscription

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_connection_stays")]


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are lost."""
    monkeypatch.setattr(live_frames, "announce", lambda rows: None)


async def test_resume_gives_what_changed_oldest_first_then_synced(story: Story) -> None:
    await database_sync_to_async(story.assign)("T-1")
    await database_sync_to_async(story.assign)("T-2")
    async with inbox_of(story.bob) as (_, frames):
        assert [(each["type"], each["seq"]) for each in frames] == [
            ("notification", 1),
            ("notification", 2),
            ("synced", 2),
        ]
        assert [each["prev"] for each in frames[:2]] == [0, 1]
        assert frames[2]["unread"] == 2


async def test_a_new_task_arrives_live_with_its_actions(story: Story) -> None:
    async with inbox_of(story.bob) as (communicator, frames):
        assert frames == [{"type": "synced", "seq": 0, "unread": 0}]
        await database_sync_to_async(story.assign)()
        arrived = await frame(communicator)
        assert (arrived["prev"], arrived["seq"], arrived["unread"]) == (0, 1, 1)
        assert arrived["notification"]["title"] == "Approve invoice 4711"
        assert "approve" in [action["action"] for action in arrived["notification"]["actions"]]


async def test_who_stands_in_is_told_for_whom(story: Story) -> None:
    now = timezone.now()
    given = entering.AbsenceEntry(now - timedelta(hours=1), now + timedelta(hours=1), story.carol)
    await database_sync_to_async(entering.set_absence)(story.bob, given, by=story.bob)
    async with inbox_of(story.carol) as (communicator, _):
        await database_sync_to_async(story.assign)()
        arrived = await frame(communicator)
        assert arrived["notification"]["on_behalf_of"] == {"ref": "bob", "name": "Bob"}
    async with inbox_of(story.carol) as (_, caught_up):
        assert caught_up[0]["notification"]["on_behalf_of"] == {"ref": "bob", "name": "Bob"}


async def test_when_it_runs_late_both_see_to_whom_it_went(story: Story) -> None:
    await database_sync_to_async(story.tell_manager_when_due)()
    await database_sync_to_async(story.assign)(due_at=timezone.now().isoformat())
    async with inbox_of(story.bob) as (bobs, _), inbox_of(story.carol) as (carols, _):
        await database_sync_to_async(due_steps.drain)()
        for communicator, escalated in ((bobs, False), (carols, True)):
            said = (await frame(communicator))["notification"]
            assert said["escalated"] is escalated
            assert [each["ref"] for each in said["escalated_to"]] == ["carol"]


async def test_a_deadline_that_an_edited_policy_moves_moves_in_open_inboxes(story: Story) -> None:
    policy = await database_sync_to_async(story.tell_manager_when_due)()
    await database_sync_to_async(Policy.objects.update)(clock="duration", minutes=60)
    await database_sync_to_async(story.assign)()
    async with inbox_of(story.bob) as (communicator, _):
        await database_sync_to_async(Policy.objects.update)(minutes=90)
        await database_sync_to_async(policy_reload.mark)(policy, timezone.now())
        await database_sync_to_async(due_steps.drain)()
        said = await frame(communicator)
    task = await database_sync_to_async(story.task)()
    assert (said["seq"], said["notification"]["due_at"]) == (2, iso_utc(task.deadline))


async def test_buttons_are_said_in_the_language_that_the_person_chose_last(story: Story) -> None:
    await database_sync_to_async(story.assign)("T-1")
    async with inbox_of(story.bob) as (communicator, caught_up):
        assert first_button(caught_up[0]) == "Approve"
        await database_sync_to_async(Recipient.objects.filter(pk=story.bob.pk).update)(locale="de")
        await database_sync_to_async(story.assign)("T-2")
        assert first_button(await frame(communicator)) == "Genehmigen"


def first_button(said: dict[str, Any]) -> str:
    title: str = said["notification"]["actions"][0]["title"]
    return title


async def test_carol_sees_bobs_answer_at_once(story: Story) -> None:
    await database_sync_to_async(story.assign)(candidates=["bob", "carol"])
    async with inbox_of(story.carol) as (communicator, _):
        await database_sync_to_async(story.answer)(story.bob, "approve")
        changed = await frame(communicator)
        assert changed["notification"]["state"] == "answered"
        assert changed["notification"]["outcome"]["by"]["name"] == "Bob"
        assert changed["notification"]["actions"] == []


async def test_a_lost_frame_is_made_good_before_the_next_one(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    async with inbox_of(story.bob) as (communicator, _):
        with monkeypatch.context() as lossy:
            lossy.setattr(live_frames, "_send", lambda frames: None)
            await database_sync_to_async(story.assign)("T-1")
        await database_sync_to_async(story.assign)("T-2")
        first, second = await frame(communicator), await frame(communicator)
        assert [(each["prev"], each["seq"]) for each in (first, second)] == [(0, 1), (1, 2)]


async def test_no_frames_before_the_first_resume(story: Story) -> None:
    cookie = await database_sync_to_async(cookie_of)(story.bob)
    async with socket((b"origin", OURS), (b"cookie", cookie)) as communicator:
        await database_sync_to_async(story.assign)()
        assert await communicator.receive_nothing(timeout=0.3)
        assert [each["type"] for each in await resume(communicator, 0)] == ["notification", "synced"]


async def test_marking_read_is_a_change_of_its_own(story: Story) -> None:
    await database_sync_to_async(story.assign)()
    async with inbox_of(story.bob, after=1) as (communicator, _):
        unread = Notification.objects.filter(recipient=story.bob)
        mark_read = transaction.atomic(inbox_items.mark_read)
        await database_sync_to_async(mark_read)(unread, timezone.now())
        read = await frame(communicator)
        assert (read["seq"], read["unread"]) == (2, 0) and read["notification"]["read_at"]


async def test_a_change_before_the_first_subscription_is_sent_once_it_begins(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_begin, begin = asyncio.Event(), Subscription._begin

    async def begin_late(self: Subscription, pubsub: PubSub) -> None:
        await may_begin.wait()
        await begin(self, pubsub)

    monkeypatch.setattr(Subscription, "_begin", begin_late)
    await database_sync_to_async(story.assign)()
    async with inbox_of(story.bob, after=1) as (communicator, _):
        await database_sync_to_async(story.happen)("task.updated", {"task": {"id": "T-42", "priority": "urgent"}})
        may_begin.set()
        assert (await frame(communicator))["seq"] == 2


async def test_a_future_or_far_too_old_seq_is_told_to_load_afresh(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MAX_CATCH_UP", 3)
    for number in range(5):
        await database_sync_to_async(story.assign)(f"T-{number}")
    async with inbox_of(story.bob, after=99) as (communicator, frames):
        assert [each["type"] for each in frames] == ["reset", "synced"]
        for after in (0, int("9" * 300)):
            assert [each["type"] for each in await resume(communicator, after)] == ["reset", "synced"]


@pytest.mark.parametrize("after", ["soon", -1, None, 1.5, True])
async def test_a_seq_that_is_no_number_is_an_error_and_the_socket_lives(story: Story, after: Any) -> None:
    async with inbox_of(story.bob) as (communicator, _):
        assert (await resume(communicator, after))[0]["type"] == "error"
        assert (await resume(communicator, 0))[-1]["type"] == "synced"


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"null",
        b"",
        b"http://[",
        b"http://127.0.0.1.evil.example",
        b"http://127.0.0.1:9999",
        b"http://127.0.0.1",
        b"http://127.0.0.1:99999999",
        b"https://127.0.0.1:8000",
        b"http://localhost:8000",
        b"ftp://127.0.0.1:8000",
    ],
)
async def test_foreign_pages_are_refused(story: Story, origin: bytes) -> None:
    cookie = await database_sync_to_async(cookie_of)(story.bob)
    async with socket((b"origin", origin), (b"cookie", cookie)) as communicator:
        assert await close_code(communicator) == consumers.REFUSED


async def test_a_cookie_without_an_origin_is_nobodys(story: Story) -> None:
    cookie = await database_sync_to_async(cookie_of)(story.bob)
    async with socket((b"cookie", cookie)) as communicator:
        await communicator.send_to(text_data='{"type": "resume", "after": 0}')
        assert await close_code(communicator) == consumers.NOT_SIGNED_IN


async def test_an_app_signs_in_with_its_token(story: Story) -> None:
    await database_sync_to_async(story.assign)()
    token = await database_sync_to_async(token_of)(story.bob)
    async with socket() as communicator:
        await communicator.send_to(text_data=json.dumps({"type": "auth", "token": token}))
        assert [each["type"] for each in await resume(communicator, 0)] == ["notification", "synced"]


@pytest.mark.parametrize("token", ["wfr_wrong", 7, None])
async def test_a_wrong_token_closes_the_socket(story: Story, token: Any) -> None:
    async with socket() as communicator:
        await communicator.send_to(text_data=json.dumps({"type": "auth", "token": token}))
        assert await close_code(communicator) == consumers.NOT_SIGNED_IN


@pytest.mark.parametrize("way", ["session", "token"])
async def test_closing_an_account_closes_its_sockets_at_once(story: Story, way: str) -> None:
    token = await database_sync_to_async(token_of)(story.bob)
    cookie = await database_sync_to_async(cookie_of)(story.bob)
    headers = [(b"origin", OURS), (b"cookie", cookie)] if way == "session" else []
    async with socket(*headers) as communicator:
        if way == "token":
            await communicator.send_to(text_data=json.dumps({"type": "auth", "token": token}))
        await resume(communicator, 0)
        await database_sync_to_async(_close_account)(story.bob)
        assert await close_code(communicator) == consumers.NOT_SIGNED_IN


def _close_account(person: Recipient) -> None:
    assert person.user is not None
    User.objects.filter(pk=person.user.pk).update(is_active=False)
    person.user.refresh_from_db()
    revocation.settle_account(person.user, timezone.now())


@pytest.mark.parametrize("way", ["by the app", "by the desk", "in time"])
async def test_a_token_that_ends_closes_its_socket_at_once_and_no_other(story: Story, way: str) -> None:
    token, another = [await database_sync_to_async(token_of)(story.bob) for _ in range(2)]
    if way == "in time":
        await database_sync_to_async(_ends_soon)(token)
    async with socket() as communicator, socket() as other:
        for each, its in ((communicator, token), (other, another)):
            await each.send_to(text_data=json.dumps({"type": "auth", "token": its}))
            await resume(each, 0)
        if way != "in time":
            await database_sync_to_async(_end)(token, way)
        assert await close_code(communicator) == consumers.NOT_SIGNED_IN
        assert (await resume(other, 0))[-1]["type"] == "synced"


def _ends_soon(token: str) -> None:
    RecipientToken.objects.filter(digest=digest_of(token)).update(expires_at=timezone.now() + timedelta(seconds=1))


def _end(token: str, way: str) -> None:
    row = RecipientToken.objects.filter(digest=digest_of(token))
    if way == "by the app":
        answer = Client().delete("/api/v1/tokens/current", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert answer.status_code == 204
    else:
        devices.revoke_tokens(row, timezone.now(), devices.SIGNED_OUT_BY_DESK)


async def test_the_inbox_on_a_removed_device_is_told_to_forget_and_others_go_on(story: Story) -> None:
    async with inbox_of(story.bob) as (there, _), inbox_of(story.bob) as (here, _):
        lost = await database_sync_to_async(oldest_session)()
        await database_sync_to_async(remove_device_of)(story.bob, lost)

        assert json.loads(await there.receive_from(10)) == {"type": "removed"}
        assert await close_code(there) == consumers.NOT_SIGNED_IN
        assert (await resume(here, 0))[-1]["type"] == "synced"


def oldest_session() -> str:
    """Its key."""
    return Session.objects.order_by("expire_date").values_list("session_key", flat=True)[0]


def remove_device_of(person: Recipient, session_key: str) -> None:
    new = NewAddress("webpush", "https://push.example/1", "endpoint", "BSender")
    session = devices.session_digest(session_key)
    device, _ = devices.register(person, new, name="Firefox", session=session, now=timezone.now())
    devices.end([device], devices.REMOVED, timezone.now())


async def test_inboxes_of_the_browser_that_set_a_new_password_come_back_and_others_are_signed_out(story: Story) -> None:
    async with inbox_of(story.bob) as (here, _), inbox_of(story.bob) as (there, _):
        await database_sync_to_async(_new_password)(story.bob, await database_sync_to_async(oldest_session)())

        assert await close_code(here) == consumers.RESTART
        assert await close_code(there) == consumers.NOT_SIGNED_IN


def _new_password(person: Recipient, session_key: str) -> None:
    account = Account.objects.get(pk=person.user_id)
    account.kept_session = devices.session_digest(session_key)
    account.set_password("another long walk")
    account.save()


async def test_a_session_that_ended_is_noticed_by_itself(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    async with inbox_of(story.bob) as (communicator, _):
        await database_sync_to_async(lambda: Recipient.objects.filter(pk=story.bob.pk).update(active=False))()
        assert await close_code(communicator) == consumers.NOT_SIGNED_IN


async def test_too_many_sockets_of_one_person_are_refused(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_limits, "MAX_SOCKETS", 1)
    async with inbox_of(story.bob) as (first, _):
        cookie = await database_sync_to_async(cookie_of)(story.bob)
        second = WebsocketCommunicator(application, "/ws/inbox", headers=[(b"origin", OURS), (b"cookie", cookie)])
        await second.connect(timeout=10)
        assert await close_code(second) == consumers.REFUSED
        await second.disconnect()
        assert (await resume(first, 0))[-1]["type"] == "synced"


async def test_frames_that_were_missed_are_sent_when_redis_is_back(story: Story, unheard: None) -> None:
    async with inbox_of(story.bob) as (communicator, _):
        await database_sync_to_async(story.assign)()
        await channel_layers[DEFAULT_CHANNEL_LAYER].group_send(
            live_frames.group_of(story.bob.pk), {"type": "inbox.missed"}
        )
        assert (await frame(communicator))["seq"] == 1


async def test_a_frame_that_was_lost_is_found_without_another_one(
    story: Story, unheard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    async with inbox_of(story.bob) as (communicator, _):
        await database_sync_to_async(story.assign)()
        assert (await frame(communicator))["seq"] == 1


async def test_without_the_database_the_client_is_asked_to_come_back_and_its_place_is_free(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_limits, "MAX_SOCKETS", 1)
    async with inbox_of(story.bob) as (communicator, _):
        with monkeypatch.context() as away:
            away.setitem(connection.settings_dict["OPTIONS"], "host", "/nonexistent")
            await close_sockets_connections()
            await communicator.send_to(text_data=json.dumps({"type": "resume", "after": 0}))
            assert await close_code(communicator) == consumers.RESTART
    async with inbox_of(story.bob) as (_, frames):
        assert frames[-1]["type"] == "synced"


async def test_without_the_database_an_idle_socket_asks_its_client_to_come_back(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.5)
    async with inbox_of(story.bob) as (communicator, _):
        with monkeypatch.context() as away:
            away.setitem(connection.settings_dict["OPTIONS"], "host", "/nonexistent")
            await close_sockets_connections()
            assert await close_code(communicator) == consumers.RESTART
