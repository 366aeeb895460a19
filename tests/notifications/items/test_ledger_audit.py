"""The sums of the ledger, and what `manage.py doctor` says of them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications import reasons
from notifications.items.ledger_audit import faults_since, sums_since
from notifications.models import Delivery, Event, PausedService
from tests.support.devices import PushHost, dispatch, push_host
from tests.support.doctor import doctor
from tests.support.engines import LOOPBACK
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host(settings: Settings) -> Iterator[PushHost]:
    settings.PUSH_ALLOWED_CIDRS = LOOPBACK
    with push_host() as started:
        yield started


@pytest.fixture
def day(host: PushHost) -> Story:
    """Bob's browser works, Carol's is gone, Alice has nothing."""
    story = Story.begin()
    host.subscribe(story.bob, "bobs")
    host.subscribe(story.carol, "carols")
    host.answer("carols", 410)
    story.assign("T-1")
    story.assign("T-2", assignee="carol")
    story.assign("T-3", assignee="alice")
    dispatch()
    return story


def faults() -> list[str]:
    return faults_since(timezone.now() - timedelta(days=1), timezone.now())


def test_every_row_is_one_thing_and_the_sums_are_what_came_in(day: Story) -> None:
    found = sums_since(timezone.now() - timedelta(days=1))

    assert found.events == {"processed": 3}
    assert found.made == found.total == 9
    assert found.rows == {
        ("live", "delivered"): 3,
        ("webpush", "delivered"): 1,
        ("webpush", "suppressed"): 2,  # hers is gone, Alice has none
        ("email", "suppressed"): 2,  # Bob was reached, Alice has no address
        ("email", "pending"): 1,
    }
    assert faults() == []


def test_a_lost_row_is_noticed(day: Story) -> None:
    Delivery.objects.filter(channel="email", recipient=day.bob).delete()

    assert faults() == ["1 events have other rows than they made (a person's rows go with the person)"]


def test_rows_that_nothing_will_ever_end_are_noticed(day: Story) -> None:
    Delivery.objects.filter(channel="email", recipient=day.bob).update(state="pending", ended_at=None)
    Delivery.objects.filter(channel="email", recipient=day.carol).update(due_at=timezone.now() - timedelta(hours=1))
    Delivery.objects.filter(channel="webpush", recipient=day.carol).update(due_at=timezone.now())
    Delivery.objects.filter(channel="webpush", state="delivered").update(ended_at=None)

    assert faults() == [
        "1 messages wait behind nothing",
        "1 messages have ended, and say not when",
        "1 messages have ended, and are due",
        "1 messages have been due for over 10 minutes",
    ]


def test_the_doctor_tells_the_sums(day: Story) -> None:
    said = doctor("--ledger")

    assert "events: 3 processed" in said
    assert "webpush: 1 delivered, 2 suppressed" in said
    assert "made by events: 9; accounted for: 9" in said


def test_the_doctor_says_what_is_wrong_and_what_to_do(day: Story) -> None:
    now = timezone.now()
    PausedService.objects.create(
        channel="webpush",
        service="push.example",
        reason_fact=reasons.said("401").as_json(),
        paused_at=now,
        until=now + timedelta(minutes=10),
    )
    Event.objects.filter(task__task_id="T-1").update(told=7)
    day.bob.devices.update(sender="B" * 87)
    said = doctor("--ledger")

    assert "push.example refuses us since" in said
    assert "1 browsers subscribed under a key that VAPID_PRIVATE_KEY no longer has: put it back" in said
    assert "1 events have other rows than they made" in said
    assert "worker has never run a task" in said


def test_the_doctor_reads_as_far_back_as_it_is_asked(day: Story) -> None:
    Event.objects.all().delete()

    assert "events: none" in doctor("--ledger", "--days", "1")
