"""A push service whose clock goes on, and what the ledger says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import time_machine

from notifications.models import Delivery
from tests.support.devices import Answer, PushHost, dispatch
from tests.support.story import Story


class Host(PushHost):
    clock: time_machine.Traveller

    def settled(self, seconds: float = 1) -> None:
        self.clock.shift(timedelta(seconds=seconds))
        dispatch()

    def tell_bob(self, story: Story, **task: Any) -> None:
        """Bob's browser gets a task."""
        self.subscribe(story.bob, "firefox")
        story.assign(**task)
        dispatch()

    def meanwhile(self, *acts: Callable[[], object]) -> None:
        """One of these happens while each of the next messages lands."""
        take, waiting = self.take, list(acts)

        def taken(*call: Any) -> Answer:
            if waiting:
                waiting.pop(0)()
            return take(*call)

        self.take = taken  # type: ignore[method-assign]


def ledger(story: Story, person: str = "bob") -> dict[str, tuple[str, str]]:
    """Channel, with the device's name, to state and reason of a person's rows."""
    rows = Delivery.objects.filter(recipient__ref=person).order_by("pk")
    return {f"{row.channel} {row.shown_to}".strip(): (row.state, row.reason) for row in rows}
