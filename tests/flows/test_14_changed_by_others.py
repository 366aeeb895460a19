"""What waits for Bob follows what others change: an engine his time zone, the desk the defaults of team and brand."""

from datetime import UTC, datetime, time
from typing import Any

import pytest
import time_machine
from django.core import mail

from notifications.models import (
    Brand,
    Category,
    CategoryDefault,
    Delivery,
    Frequency,
    HeldReview,
    QuietHours,
    Recipient,
    Team,
)
from notifications.preferences import change_effects
from tests.factories import RecipientFactory
from tests.support.world import World

NIGHT = datetime(2026, 11, 27, 23, tzinfo=UTC)  # a Friday; midnight in Berlin
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_night() -> Any:
    with time_machine.travel(NIGHT, tick=False):
        yield


def update(world: World, number: int = 1) -> None:
    """A message that asks for no answer."""
    case = {"id": f"C-{number}", "title": f"Claim {number}", "status": "approved"}
    world.send("case.status_changed", {"case": case, "recipients": ["bob"]})


def waits_for(world: World) -> tuple[str, str] | None:
    """Why the mail waits and until when, once what is due is done; None: it was sent."""
    change_effects.drain()
    assert not HeldReview.objects.exists()
    world.run()
    row = Delivery.objects.filter(channel="email", recipient__ref="bob").latest("pk")
    return (str(row.held), f"{row.due_at:%d %H:%M}") if row.held is not None and row.due_at is not None else None


def test_a_time_zone_that_an_engine_changes(world: World, bob: Recipient) -> None:
    QuietHours.objects.create(recipient=bob, days=list(range(7)), begins=time(22), ends=time(7))
    world.send("task.assigned", {"task": {"id": "T-1", "name": "Approve", "assignee": "bob"}})
    assert waits_for(world) == ("quiet", "28 06:00")

    world.put("/api/v1/recipients/bob", {"name": "Bob", "timezone": "Europe/Berlin"})
    assert not HeldReview.objects.exists(), "nothing was changed"
    world.put("/api/v1/recipients/bob", {"name": "Bob", "timezone": "Europe/Helsinki"})
    assert waits_for(world) == ("quiet", "28 05:00")
    assert "07:00 EET" in Delivery.objects.get(channel="email").reason
    Recipient.objects.filter(pk=bob.pk).update(timezone="America/New_York")
    assert waits_for(world) is None
    assert len(mail.outbox) == 1


def test_defaults_of_teams_and_brands_and_who_belongs_to_them(world: World, bob: Recipient) -> None:
    Category.objects.update(frequency=Frequency.DIGEST)
    update(world)
    assert waits_for(world) == ("digest", "28 07:00")
    category = Delivery.objects.get(channel="email").notification.category
    finance, brand = Team.objects.get(slug="finance"), Brand.objects.create(slug="acme", name="Acme")

    at_once = CategoryDefault.objects.create(team=finance, category=category, frequency=Frequency.AT_ONCE)
    assert waits_for(world) is None
    at_once.delete()
    update(world, 2)
    assert waits_for(world) == ("digest", "28 07:00")
    CategoryDefault.objects.create(brand=brand, category=category, frequency=Frequency.AT_ONCE)
    assert waits_for(world) == ("digest", "28 07:00"), "not his brand yet"
    Recipient.objects.filter(pk=bob.pk).update(brand=brand)
    assert waits_for(world) is None
    Recipient.objects.filter(pk=bob.pk).update(brand=None)
    update(world, 3)
    nights = Team.objects.create(slug="nights", name="Nights")
    CategoryDefault.objects.create(team=nights, category=category, frequency=Frequency.AT_ONCE)
    assert waits_for(world) == ("digest", "28 07:00")
    nights.members.add(bob)
    assert waits_for(world) is None
    nights.members.clear()
    update(world, 4)
    assert waits_for(world) == ("digest", "28 07:00")
    Category.objects.filter(pk=category.pk).update(frequency=Frequency.AT_ONCE)
    assert waits_for(world) is None
    assert len(mail.outbox) == 4


def test_a_large_team_is_looked_at_in_steps_and_only_those_for_whom_something_waits(
    world: World, bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    finance = Team.objects.get(slug="finance")
    finance.members.add(*RecipientFactory.create_batch(30))
    QuietHours.objects.create(recipient=bob, days=list(range(7)), begins=time(22), ends=time(7))
    update(world)
    category = Delivery.objects.get(channel="email").notification.category

    CategoryDefault.objects.create(team=finance, category=category, frequency=Frequency.DIGEST)
    assert [row.recipient for row in HeldReview.objects.all()] == [bob]

    def broken(*_said: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(change_effects, "apply", broken)
        change_effects.drain()
    review = HeldReview.objects.get()
    assert review.due_at == NIGHT + change_effects.RETRY_AFTER
    CategoryDefault.objects.update(frequency=Frequency.AT_ONCE)
    assert change_effects.has_due(NIGHT), "another change is looked at at once"
    assert waits_for(world) == ("quiet", "28 06:00")
