"""What the ledger says in the tests of push messages, and a clock that goes on."""

from datetime import timedelta

import time_machine

from notifications.models import Delivery
from tests.support.devices import dispatch
from tests.support.story import Story


def ledger(story: Story, person: str = "bob") -> dict[str, tuple[str, str]]:
    """Channel, with the device's name, to state and reason of a person's rows."""
    rows = Delivery.objects.filter(recipient__ref=person).order_by("pk")
    return {f"{row.channel} {row.shown_to}".strip(): (row.state, row.reason) for row in rows}


def settled(clock: time_machine.Traveller, seconds: float = 1) -> None:
    clock.shift(timedelta(seconds=seconds))
    dispatch()
