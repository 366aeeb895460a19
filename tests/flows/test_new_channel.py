"""A channel that somebody adds: messages go by it, and everything knows it by what its folder says."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from escalations.forecast.dead_ends import Reachability
from notifications.channel_facts import channel_name, channel_names, shown_on_lock_screens
from notifications.models import Category, Recipient
from tests.flows.test_1_task_alert import INVOICE
from tests.support.pigeon.transport import carried
from tests.support.world import World


@pytest.fixture
def pigeons(settings: Settings) -> None:
    settings.CHANNELS = [*settings.CHANNELS, "tests.support.pigeon"]
    carried.clear()


def test_a_new_channel_is_known_everywhere_and_carries_messages(pigeons: None, world: World) -> None:
    Category.objects.update(channels=["live", "pigeon", "email"])
    Recipient.objects.filter(ref="bob").update(phone="+49 89 5550 1234")

    trace = world.send("task.assigned", INVOICE)
    world.run()

    ((address, title, link),) = carried
    assert (address, title) == ("+49 89 5550 1234", "Approve invoice 4711")
    assert link.startswith("http")
    states = {each["channel"]: each["state"] for each in world.get(trace)["deliveries"]}
    assert states == {"live": "delivered", "pigeon": "delivered", "email": "suppressed"}
    assert "pigeon" in channel_names() and channel_name("pigeon") == "pigeon post"
    assert "pigeon" in shown_on_lock_screens()
    now = timezone.now()
    assert Reachability(now, now).has_address(Recipient.objects.get(ref="bob"), ["pigeon"])


def test_who_has_no_address_there_hears_elsewhere_and_the_trace_says_why(pigeons: None, world: World) -> None:
    Category.objects.update(channels=["live", "pigeon", "email"])

    trace = world.send("task.assigned", INVOICE)

    told = {each["channel"]: each["reason"] for each in world.get(trace)["deliveries"]}
    assert told["pigeon"] == "No phone number is known."


def test_a_channel_that_was_taken_out_is_said_to_be_unavailable(
    pigeons: None, world: World, settings: Settings
) -> None:
    Category.objects.update(channels=["live", "pigeon"])
    Recipient.objects.filter(ref="bob").update(phone="+49 89 5550 1234")
    settings.CHANNELS = settings.CHANNELS[:-1]
    trace = world.send("task.assigned", INVOICE)

    told = {each["channel"]: each["reason"] for each in world.get(trace)["deliveries"]}
    assert told["pigeon"] == "this channel is not available"
