"""What sending again and putting back leave of rows, besides the desk."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from notifications.items import lifetime
from notifications.models import Delivery, DeliveryState, Event
from notifications.replays import deliveries, events
from notifications.routing import claims
from tests.admin.world import World
from tests.support.multiplied import made_id, multiply
from tests.support.story import Story

pytestmark = pytest.mark.django_db


def test_what_is_sent_again_is_worth_sending_as_long_as_new_messages(
    day: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "USUAL", timedelta(hours=6))
    row, later = Delivery.objects.get(state=DeliveryState.DEAD), day.now + timedelta(days=9)
    assert deliveries.send_again(Delivery.objects.filter(pk=row.pk), later)
    row.refresh_from_db()
    assert row.expires_at == later + timedelta(hours=6)


def test_the_undoing_of_a_replay_leaves_none_parked(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(claims, "WINDOW", 5)
    first = Event.objects.get()
    multiply(
        first, range(1, 12), id=made_id(2), event_id="'behind-' || n", task_id="NULL", processed_at="NULL",
        status="'accepted'", due_at="now() - interval '1 minute' + interval '1 ms' * n",
    )  # fmt: skip
    Event.objects.filter(pk=first.pk).update(status="failed")
    events.send_again(Event.objects.filter(pk=first.pk), now)
    Event.objects.filter(pk=first.pk).update(due_at=now + timedelta(hours=9))
    assert not claims.claim()
    with transaction.atomic():
        before = {"status": "failed", "attempts": 3, "error": "", "processed_at": now}
        assert events.put_back({first.pk: before}, timezone.now()) == {first.pk}
    assert len(claims.claim()) == 1
