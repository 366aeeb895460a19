"""While the database's disk is full, no step, message or answer is given up for it."""

from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.models import Escalation, RunResult, StepRun
from notifications.channels.base import LEASE
from notifications.delivery import claims, device_messages, person_messages
from notifications.delivery.claims import Busy
from notifications.engines import callback, callback_claims, returned_answers
from notifications.models import Callback, Delivery, DeliveryState, Device, Notification
from notifications.people import devices
from notifications.types import NewAddress
from tests.factories import NotificationFactory, action_token
from tests.support.full_disk import full_disk
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    return Story.begin()


def due_message(story: Story, channel: str = "email", device: Device | None = None) -> None:
    """A message of Bob's that is due."""
    copy: Notification = NotificationFactory(recipient=story.bob)
    action_token(copy, expires_at=timezone.now() + timedelta(hours=1))
    Delivery.objects.filter(notification=copy).update(channel=channel, device=device, due_at=timezone.now())


def fails(*_: object, **__: object) -> None:
    fault = psycopg.errors.DiskFull("could not write to file: No space left on device")
    raise OperationalError(str(fault)) from fault


def test_a_step_at_its_last_try_is_taken_when_there_is_room_again(story: Story) -> None:
    story.tell_manager_when_due()
    story.assign(due_at=(timezone.now() - timedelta(seconds=1)).isoformat())
    Escalation.objects.update(attempts=due_steps.TRIES)

    with full_disk("notifications_notification"), pytest.raises(OperationalError, match="No space left"):
        due_steps.drain()
    assert not StepRun.objects.exists()

    outbox.release(Escalation.objects.all())
    due_steps.drain()
    assert StepRun.objects.get().result != RunResult.FAILED


def test_a_mail_that_cannot_be_noted_has_not_failed(story: Story) -> None:
    due_message(story)
    due = claims.waiting(["email"])
    rows = outbox.claim(due, limit=10, lease=LEASE, now=timezone.now())
    assert rows

    with full_disk("notifications_deliveryattempt"), pytest.raises(OperationalError, match="No space left"):
        person_messages.for_deliveries([rows], "", timezone.now())
    assert Delivery.objects.get(pk=rows[0].pk).lease_token == rows[0].lease_token


def test_a_push_message_that_cannot_be_made_now_is_not_dead(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    address = NewAddress("webpush", "https://push.example/bob", "endpoint", "BSender")
    device, _ = devices.register(story.bob, address, name="Phone", session="s", token=None, now=timezone.now())
    due_message(story, channel="webpush", device=device)
    monkeypatch.setattr(device_messages, "_make", fails)

    with pytest.raises(OperationalError):
        device_messages.for_deliveries(claims.for_all(["webpush"], 10, Busy(), timezone.now()), timezone.now())
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.PENDING}


def test_an_answer_that_cannot_be_prepared_now_needs_no_operator(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.assign()
    story.answer(story.bob, "approve")
    (row,) = outbox.claim(Callback.objects.all(), limit=1, lease=callback_claims.LEASE, now=timezone.now())
    monkeypatch.setattr(returned_answers, "return_if_changed", fails)

    with pytest.raises(OperationalError):
        callback._prepared(row, timezone.now())
    assert Callback.objects.get().detail == ""
