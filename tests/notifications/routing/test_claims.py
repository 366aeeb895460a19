"""Events of urgent tasks are processed sooner, and a flood of one engine costs the others nothing."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.intake.ingest import urgency_of
from notifications.models import Engine, Event
from notifications.routing import claims
from notifications.types import Json
from tests.factories import EngineFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


def send(story: Story, task: str, **more: object) -> Event:
    data: Json = {"task": {"id": task, "name": task, "assignee": "bob", **more}}
    return story.send("task.assigned", data)


def flood(engine: Engine, count: int, **fields: object) -> None:
    """Many due events of an engine, older than those that are sent."""
    now = timezone.now() - timedelta(minutes=1)
    Event.objects.bulk_create(
        Event(
            engine=engine, source="flood", event_id=f"{fields}-{number}", type="task.assigned", received_at=now,
            due_at=now, data={}, digest="", group=f"task:{fields}-{number}", **fields,
        )
        for number in range(count)
    )  # fmt: skip


def sources(claimed: list[Event]) -> Counter[str]:
    return Counter(event.source for event in claimed)


@pytest.mark.parametrize("priority", ["urgent", "high"])
def test_what_is_urgent_is_in_the_next_batch_however_much_is_due(story: Story, priority: str) -> None:
    flood(story.engine, 500)
    event = send(story, "T-1", priority=priority)
    assert event in claims.claim()


def test_a_normal_event_waits_for_those_before_it(story: Story) -> None:
    flood(story.engine, 150)
    event = send(story, "T-1")
    assert event not in claims.claim()
    assert event in claims.claim()


def test_an_engine_is_not_held_up_by_the_flood_of_another(story: Story) -> None:
    flood(EngineFactory(slug="batch-job"), 1_000)
    events = [send(story, f"T-{number}") for number in range(50)]
    assert set(events) <= set(claims.claim())


def test_engines_share_a_batch(story: Story) -> None:
    flood(EngineFactory(slug="batch-job"), 300)
    for number in range(80):
        send(story, f"T-{number}")
    assert sources(claims.claim()) == {"flood": 50, "invoices": 50}


def test_normal_events_are_not_starved_by_urgent_ones(story: Story) -> None:
    flood(story.engine, 300, urgency=0)
    for number in range(50):
        send(story, f"T-{number}")
    assert sources(claims.claim()) == {"flood": 89, "invoices": 11}


def test_events_of_one_task_keep_their_order_whatever_their_urgency(story: Story) -> None:
    first, second = send(story, "T-1"), send(story, "T-1", priority="urgent")
    assert claims.claim() == [first]
    assert claims.claim() == []  # the second one waits until the first has ended
    Event.objects.filter(pk=first.pk).update(due_at=None, processed_at=timezone.now())
    assert claims.claim() == [second]


def test_what_another_worker_has_claimed_is_not_claimed_again(story: Story) -> None:
    flood(story.engine, 250)
    claimed = [event.pk for _ in range(4) for event in claims.claim()]
    assert len(claimed) == len(set(claimed)) == 250


def test_a_lease_that_has_ended_is_free_again(story: Story) -> None:
    event = send(story, "T-1")
    assert claims.claim() == [event]
    Event.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claims.claim() == [event]


@pytest.mark.parametrize("priority", [7, None, "whatever", ["urgent"]])
def test_a_priority_that_is_none_is_a_normal_one(priority: object) -> None:
    assert urgency_of({"task": {"id": "T-1", "priority": priority}}) == 2
    assert urgency_of({"task": "T-1"}) == 2
    assert urgency_of({}) == 2
