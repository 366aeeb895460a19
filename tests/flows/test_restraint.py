"""Channels whose messages cost something: none is sent twice, and nobody gets too many."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from notifications.errors import TransportError
from notifications.models import Category, Delivery, Recipient
from tests.flows.test_1_task_alert import INVOICE
from tests.support.pigeon import transport
from tests.support.world import World
from wfpush.queue import outbox


@pytest.fixture
def pigeons(world: World, settings: Settings) -> Iterator[World]:
    """Bob is told by pigeons alone, and gets two an hour."""
    settings.CHANNELS = [*settings.CHANNELS, "tests.support.pigeon"]
    settings.PIGEONS_AN_HOUR = 2
    Category.objects.update(channels=["live", "pigeon"])
    Recipient.objects.filter(ref="bob").update(phone="+49 89 5550 1234")
    yield world
    for each in (transport.carried, transport.rings, transport.storms):
        each.clear()


def assign(world: World, number: int) -> str:
    return world.send("task.assigned", {"task": {**INVOICE["task"], "id": f"T-{number}", "due_at": None}})


def told(world: World, trace: str) -> tuple[str, str | None]:
    (delivery,) = [each for each in world.get(trace)["deliveries"] if each["channel"] == "pigeon"]
    return delivery["state"], delivery["reason"]


def run_at(world: World, moment: datetime) -> None:
    with time_machine.travel(moment, tick=False):
        world.run()


TOO_MANY = "This person has got 2 messages this way within an hour"


def test_one_too_many_waits_for_its_turn(pigeons: World) -> None:
    began = timezone.now()
    for number in (1, 2):
        assign(pigeons, number)
    third = assign(pigeons, 3)
    assert told(pigeons, third) == ("pending", TOO_MANY)
    assert Delivery.objects.get(channel="pigeon", state="pending").attempts == 0

    run_at(pigeons, began + timedelta(minutes=58))
    assert len(transport.carried) == 2
    run_at(pigeons, began + timedelta(minutes=62))
    assert told(pigeons, third) == ("delivered", None)


def test_one_too_many_is_left_to_the_next_channel(pigeons: World) -> None:
    Category.objects.update(channels=["live", "pigeon", "email"])
    for number in (1, 2):
        assign(pigeons, number)
    third = assign(pigeons, 3)
    pigeons.run()

    assert told(pigeons, third) == ("suppressed", TOO_MANY)
    assert len(mail.outbox) == 1


def test_others_do_not_wait_and_what_was_not_taken_does_not_count(pigeons: World) -> None:
    transport.storms.append(TransportError("Rain", permanent=True))
    lost = assign(pigeons, 1)
    for number in (2, 3):
        assign(pigeons, number)
    assert (told(pigeons, lost), len(transport.carried)) == (("dead", "Rain"), 2)

    Recipient.objects.filter(ref="carol").update(phone="+49 89 5550 9999")
    hers = pigeons.send("task.assigned", {"task": {**INVOICE["task"], "id": "T-9", "assignee": "carol"}})
    assert told(pigeons, hers) == ("delivered", None)


def killed_in_the_middle(world: World) -> Delivery:
    """The process that was sending it is dead, and its lease was given back."""
    transport.storms.append(TransportError("Rain"))
    assign(world, 1)
    delivery = Delivery.objects.get(channel="pigeon")
    delivery.attempt_log.update(ended_at=None, succeeded=None)
    outbox.make_due(Delivery.objects.filter(pk=delivery.pk), timezone.now())
    return delivery


def test_nothing_is_sent_again_of_which_nobody_knows_whether_it_arrived(pigeons: World) -> None:
    delivery = killed_in_the_middle(pigeons)
    pigeons.run()

    delivery.refresh_from_db()
    assert (delivery.state, transport.carried) == ("dead", [])
    assert delivery.reason == "An earlier attempt may have arrived, and it is not sent twice"

    by_operator = {"state": "pending", "attempts": 0, "ended_at": None, "reason_fact": None}
    outbox.make_due(Delivery.objects.filter(pk=delivery.pk), timezone.now(), **by_operator)
    pigeons.run()
    delivery.refresh_from_db()
    assert (delivery.state, len(transport.carried)) == ("delivered", 1)


def test_who_has_another_channel_hears_there_then(pigeons: World) -> None:
    Category.objects.update(channels=["live", "pigeon", "email"])
    killed_in_the_middle(pigeons)
    pigeons.run()

    assert len(mail.outbox) == 1


def test_a_try_that_failed_for_certain_is_made_again(pigeons: World) -> None:
    transport.storms.append(TransportError("Rain"))
    trace = assign(pigeons, 1)
    run_at(pigeons, timezone.now() + timedelta(minutes=1))

    assert told(pigeons, trace) == ("delivered", None)
