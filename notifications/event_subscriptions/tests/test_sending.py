"""Events reach their receivers: signed, at least once under one id, retried over days, whatever receivers do."""

import asyncio
import base64
import ssl
import time
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from asgiref.sync import async_to_sync
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.utils import timezone

from notifications.connectors import credentials
from notifications.connectors.access import EngineClient
from notifications.connectors.signatures import new_secret, public_key_of
from notifications.event_subscriptions import bodies, sending
from notifications.event_subscriptions.models import EventSubscription, OutgoingEvent, OutgoingState
from notifications.event_subscriptions.tests.conftest import Subscribe, dispatch
from notifications.items import undo_window
from notifications.models import Callback, Notification, Task
from notifications.routing import pipeline
from tests.support.callbacks import dispatch as dispatch_callbacks
from tests.support.engines import engine
from tests.support.receiver import Call, Receiver, receiving
from tests.support.story import Story
from tests.wfpush.net.test_http import self_signed
from wfpush.concurrency.threads import in_database_thread
from wfpush.net.breaker import Breaker
from wfpush.net.http import Outbound

pytestmark = pytest.mark.django_db(transaction=True)
LOOPBACK = [ip_network("127.0.0.0/8")]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def lose(story: Story, count: int = 1) -> None:
    """So many tasks find nobody."""
    for number in range(count):
        story.send("task.assigned", {"task": {"id": f"T-{number}", "name": "x", "assignee": f"nobody-{number}"}})
    pipeline.drain()


def make_due() -> None:
    """Let pauses pass."""
    OutgoingEvent.objects.filter(state=OutgoingState.WAITING).update(
        due_at=timezone.now(), lease_until=None, lease_token=None
    )


def the_row() -> OutgoingEvent:
    return OutgoingEvent.objects.get()


# --- signatures -------------------------------------------------------------------------------------------------------
def test_both_secrets_sign_while_one_replaces_the_other(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    row = subscribe()
    ended = row.signing_secrets.create(secret=new_secret(), expires_at=timezone.now())
    credentials.replace_secrets(row, new_secret(), now=timezone.now())
    lose(story)
    dispatch()
    secrets = [each.secret for each in row.signing_secrets.exclude(pk=ended.pk)]
    assert len(secrets) == 2 and all(receiver.calls[0].signed_with(secret) for secret in secrets)
    assert not receiver.calls[0].signed_with(ended.secret)


def test_a_private_key_signs_for_receivers_without_a_secret(
    story: Story, subscribe: Subscribe, receiver: Receiver
) -> None:
    row = subscribe(signing="v1a")
    lose(story)
    dispatch()
    public = public_key_of(row.signing_secrets.get().secret)
    assert is_signed_by(public, receiver.calls[0])
    receiver.calls[0].body += b" "
    assert not is_signed_by(public, receiver.calls[0])


def is_signed_by(public_key: str, call: Call) -> bool:
    """As Standard Webhooks describes `v1a`, without code of ours."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    version, _, signature = call.headers["webhook-signature"].partition(",")
    assert version == "v1a"
    try:
        key.verify(base64.b64decode(signature), f"{call.id}.{call.headers['webhook-timestamp']}.".encode() + call.body)
    except InvalidSignature:
        return False
    return True


def test_without_a_secret_it_waits_and_says_so(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe().signing_secrets.all().delete()
    lose(story)
    dispatch()
    assert receiver.calls == []
    assert (the_row().state, the_row().detail_fact) == ("waiting", {"code": "engine_no_signing_secret"})


# --- receivers that fail ----------------------------------------------------------------------------------------------
def test_a_retry_has_the_same_id_and_the_same_bytes(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe()
    receiver.answer(500, 204)
    lose(story)
    dispatch()
    make_due()
    dispatch()
    first, second = receiver.calls
    assert (first.id, first.body) == (second.id, second.body)
    assert (the_row().state, the_row().attempts, the_row().last_status) == ("delivered", 2, 204)


def test_a_receiver_that_is_away_for_an_hour_loses_nothing(
    story: Story, subscribe: Subscribe, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    receiver.answer(503)
    monkeypatch.setattr(sending._calls, "breaker", Breaker(failures=3, pause=5.0, most=30.0, clock=time.time))

    async def hour_away() -> int:
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for number in range(60):
                await in_database_thread(lose_one, story, number)
                await sending._calls.drained()
                clock.shift(MINUTE)
            in_vain = len(receiver.calls)
            receiver.answer(204)
            for _ in range(60):
                await sending._calls.drained()
                clock.shift(timedelta(seconds=1))
        await sending._calls.close()
        return in_vain

    in_vain = async_to_sync(hour_away)()
    assert in_vain < 200, "it was left alone, and one call went out now and then"
    told = [call.id for call in receiver.calls[in_vain:]]
    assert len(told) == 60 and set(told) == {str(pk) for pk in OutgoingEvent.objects.values_list("pk", flat=True)}
    assert set(OutgoingEvent.objects.values_list("state", flat=True)) == {"delivered"}


def lose_one(story: Story, number: int) -> None:
    story.send("task.assigned", {"task": {"id": f"T-{number}", "name": "x", "assignee": "nobody"}})
    pipeline.drain()


def test_after_a_week_it_is_given_up_and_an_operator_sends_it_again(
    story: Story, subscribe: Subscribe, receiver: Receiver
) -> None:
    subscribe()
    receiver.answer(500)
    lose(story)
    dispatch()
    OutgoingEvent.objects.update(first_attempt_at=timezone.now() - timedelta(days=9))
    make_due()
    dispatch()
    assert the_row().state == "failed"
    receiver.answer(204)
    assert sending.send_again(OutgoingEvent.objects.all(), timezone.now()) == 1
    dispatch()
    assert the_row().state == "delivered" and len({call.id for call in receiver.calls}) == 1


def test_410_switches_the_subscription_off_and_keeps_what_waits(
    story: Story, subscribe: Subscribe, receiver: Receiver
) -> None:
    row = subscribe()
    receiver.answer(410)
    lose(story, 2)
    dispatch()
    row.refresh_from_db()
    assert not row.active and row.gone_at is not None
    assert row.history.first().history_change_reason == "The address is gone (410)"
    lose_one(story, 7)
    assert OutgoingEvent.objects.filter(state="waiting").count() == 2, "nothing more is recorded"
    calls = len(receiver.calls)
    make_due()
    dispatch()
    assert len(receiver.calls) == calls
    receiver.answer(204)
    EventSubscription.objects.update(active=True, gone_at=None)
    dispatch()
    assert set(OutgoingEvent.objects.values_list("state", flat=True)) == {"delivered"}


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 422, 429, 503])
def test_whatever_else_it_answers_the_event_is_tried_again(
    status: int, story: Story, subscribe: Subscribe, receiver: Receiver
) -> None:
    subscribe()
    receiver.answer((status, {"Location": receiver.url + "/elsewhere"}, b'{"detail": "no"}'))
    lose(story)
    dispatch()
    assert len(receiver.calls) == 1, "a redirect is not followed"
    assert (the_row().state, the_row().last_status) == ("waiting", status)
    assert the_row().due_at > timezone.now()


def test_a_private_address_is_not_called(story: Story, subscribe: Subscribe, receiver: Receiver, settings: Any) -> None:
    subscribe()
    settings.OUTBOUND_ALLOWED_CIDRS = []
    lose(story)
    dispatch()
    assert receiver.calls == [] and the_row().state == "waiting"
    assert "127.0.0.1" in the_row().detail


def test_a_huge_answer_is_cut_off(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe()
    receiver.answer((200, {}, b"x" * 5_000_000))
    lose(story)
    dispatch()
    assert the_row().state == "delivered"


def test_a_wrong_certificate_is_refused(story: Story, subscribe: Subscribe, receiver: Receiver, tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(self_signed("localhost", tmp_path))
    received: list[bytes] = []

    async def take(*_: Any) -> None:
        received.append(b"")

    async def try_once() -> None:
        async with engine(take, tls=tls) as server:
            url = str(server.make_url("/"))
            await in_database_thread(lambda: EventSubscription.objects.update(address=url))
            await sending._calls.drained()
        await sending._calls.close()

    subscribe()
    lose(story)
    async_to_sync(try_once)()
    assert received == [] and the_row().state == "waiting"
    assert "certificate" in the_row().detail


# --- receivers beside each other --------------------------------------------------------------------------------------
def test_a_receiver_that_hangs_holds_up_nobody_else(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    receiver.held = "/callback/held"
    story.engine.callback_url = receiver.url + "/engine"
    story.engine.save()
    subscribe("hangs", address=receiver.url + "/held")
    subscribe("works", address=receiver.url + "/works")
    lose(story, 40)
    story.assign("T-a")
    story.answer(story.bob, "approve", task_id="T-a")

    async def turn() -> None:
        sending._calls._line = EngineClient(Outbound(LOOPBACK, deadline=60.0, per_host=0))
        running = asyncio.create_task(sending._calls.drained())
        while await in_database_thread(waiting_of, "works"):
            await asyncio.wait([running], timeout=0.01)
        assert not running.done()
        receiver.gate.set()
        await running
        await sending._calls.close()

    async_to_sync(turn)()
    dispatch_callbacks()
    assert len(receiver.at("/callback/engine")) == 1 and Callback.objects.get().state == "delivered"
    assert len(receiver.at("/callback/works")) == OutgoingEvent.objects.filter(subscription__name="works").count()


def waiting_of(name: str) -> int:
    return OutgoingEvent.objects.filter(subscription__name=name, state="waiting").count()


def test_a_receiver_that_answers_too_late_is_tried_again(
    story: Story, subscribe: Subscribe, receiver: Receiver
) -> None:
    receiver.held = "/callback"
    subscribe()
    lose(story)

    async def turn() -> None:
        sending._calls._line = EngineClient(Outbound(LOOPBACK, deadline=0.1, per_host=0))
        await sending._calls.drained()
        await sending._calls.close()

    async_to_sync(turn)()
    assert the_row().state == "waiting" and the_row().attempts == 1


def test_two_dispatchers_send_each_event_once(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe()
    lose(story, 30)
    room = sending._calls.places.room
    first, second = sending._claim(room), sending._claim(room)
    ids = [row.pk for _, (row, _call) in [*first.jobs, *second.jobs]]
    assert len(ids) == len(set(ids)) == 30


def test_the_events_of_a_killed_dispatcher_are_sent_by_another(
    story: Story, subscribe: Subscribe, receiver: Receiver
) -> None:
    subscribe()
    lose(story)
    assert len(sending._claim(sending._calls.places.room).jobs) == 1
    dispatch()
    assert receiver.calls == []
    with time_machine.travel(timezone.now() + 2 * sending.LEASE):
        dispatch()
    assert len(receiver.calls) == 1 and the_row().state == "delivered"


def test_a_dispatcher_that_lost_its_lease_changes_nothing(
    story: Story, subscribe: Subscribe, receiver: Receiver
) -> None:
    subscribe()
    lose(story)
    ((_, (row, _call)),) = sending._claim(sending._calls.places.room).jobs
    make_due()
    dispatch()
    sending.record(row, sending.Result("later", 503), timezone.now())
    assert the_row().state == "delivered"


def test_an_event_that_cannot_be_written_holds_up_no_other(
    story: Story, subscribe: Subscribe, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    lose(story, 3)
    poison = OutgoingEvent.objects.order_by("pk")[1]

    def bodies_of(rows: Sequence[OutgoingEvent]) -> dict[UUID, bytes]:
        assert poison not in rows
        return bodies.bodies_of(rows)

    monkeypatch.setattr(sending, "bodies_of", bodies_of)
    dispatch()
    poison.refresh_from_db()
    assert len(receiver.calls) == 2 and poison.state == "waiting" and poison.detail_fact is not None


# --- rows that are gone -----------------------------------------------------------------------------------------------
def test_an_event_about_what_was_erased_is_not_sent(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe(kinds=["message.read"])
    story.assign()
    story.answer(story.bob, "approve")
    Notification.objects.all().delete()
    dispatch()
    assert receiver.calls == [] and not OutgoingEvent.objects.exists()


def test_an_answer_that_is_taken_back_is_not_told(
    story: Story, subscribe: Subscribe, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(seconds=10))
    subscribe(kinds=["task.answered"])
    story.assign()
    story.answer(story.bob, "approve", via="inbox")
    dispatch()
    assert receiver.calls == [], "it may still be taken back"
    Callback.objects.update(state="taken_back", due_at=None, ended_at=timezone.now())
    make_due()
    dispatch()
    assert receiver.calls == [] and not OutgoingEvent.objects.exists()


def test_the_trace_of_an_event_goes_on(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    subscribe(kinds=["task.answered"])
    story.assign()
    event = Task.objects.get().assigned_event
    assert event is not None
    event.extensions = {"traceparent": trace}
    event.save()
    story.answer(story.bob, "approve")
    dispatch()
    (call,) = receiver.calls
    assert call.headers["traceparent"] == trace and f'"traceparent":"{trace}"'.encode() in call.body


def test_others_are_told_while_one_is_away(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    with receiving() as other:
        subscribe("away", address="http://127.0.0.1:9/")
        subscribe("works", address=other.url)
        lose(story, 30)
        dispatch()
        assert len(other.calls) == 30
