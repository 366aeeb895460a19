"""What a claim for devices reads: only what waits, and what several devices get only once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.delivery import claims, device_lane
from notifications.delivery.claims import Busy
from notifications.models import Device, Recipient
from notifications.reasons import said
from tests.support.devices import subscribe
from tests.support.story import Story
from tests.support.webpush import Browser

pytestmark = pytest.mark.django_db


def device_of(person: Recipient, name: str) -> Device:
    return subscribe(person, Browser(), f"https://updates.push.services.mozilla.com/{name}", name)


def test_both_devices_of_a_person_get_the_same_message_and_each_its_own_token() -> None:
    story = Story.begin()
    mine = {device_of(story.bob, name).pk for name in ("phone", "laptop")}
    story.assign()

    one, other = device_lane._claim(Busy(), timezone.now()).attempts

    assert {one.device, other.device} == mine
    assert one.message.message is other.message.message
    assert one.message.token != other.message.token and {one.message.device, other.message.device} == set(
        map(str, mine)
    )


def test_test_messages_farewells_and_suspects_are_looked_for_only_where_there_are_some() -> None:
    story = Story.begin()
    device = device_of(story.bob, "phone")
    story.assign()
    now = timezone.now()
    assert claims.waiting_for_devices(now) == claims.WaitingKinds(tests=False, farewells=False, channels=["webpush"])
    assert not claims.there_are_suspects()

    with CaptureQueriesContext(connection) as asked:
        device_lane._claim(Busy(), now)
        device_lane._claim_suspects(Busy(), now)
    locking = [each["sql"].partition(" FROM ")[2] for each in asked if "SKIP LOCKED" in each["sql"]]
    assert [table.split()[0].strip('"') for table in locking] == ["notifications_delivery"]

    Device.objects.filter(pk=device.pk).update(due_at=now, last_fault_fact=said("It answered 500.").as_json())
    assert claims.waiting_for_devices(now).tests and claims.there_are_suspects()
