"""Events processed together leave the rows that they leave one by one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from itertools import count
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from escalations.models import Escalation, Policy
from notifications import reasons
from notifications.items.ledger_audit import faults_since
from notifications.models import (
    Absence,
    Category,
    Delivery,
    Device,
    Engine,
    Event,
    EventStatus,
    Notification,
    Recipient,
    Route,
    Task,
    Team,
    Template,
)
from notifications.routing import claims, fanout, pipeline
from tests.factories import EngineFactory, RecipientFactory, TeamFactory
from tests.notifications.routing.histories import EDITS, NOW, Burst, Killed, histories
from tests.notifications.routing.hundred import a_hundred, statuses
from tests.support.length import examples
from tests.support.rows import assert_contiguous, left
from tests.support.story import Story
from wfpush.postgres import revision
from wfpush.queue import outbox

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

LONG = os.environ.get("WFPUSH_SOAK") == "long"
SIZES = [(7, 1), (100, fanout.AT_ONCE)]
"""Of batches, and of the parts of a message. With batches of one, one by one is the same code."""
some_sizes = st.just(SIZES) if LONG else st.sampled_from([[size] for size in SIZES])


@pytest.fixture
def story(db: None) -> Story:
    story = Story.begin()
    for number in range(4):
        RecipientFactory(ref=f"p{number}", name=f"Person {number}", locale=["en", "de"][number % 2])
    TeamFactory(slug="night", name="Night", members=Recipient.objects.filter(ref__in=["p0", "p1"]))
    EngineFactory(slug="second", name="Second")
    Absence.objects.create(
        recipient=story.bob, begins_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=1), delegate=story.carol
    )
    Policy.objects.create(name="Four hours", clock="duration", minutes=240, time="wall", calendar_of="team")
    for kind, of in (("followers", "case.milestone"), ("customer", "process.message")):
        route = Route.objects.create(
            name=f"To {kind}", category=Category.objects.all()[0], template=Template.objects.all()[0], priority=5
        )
        route.targets.create(kind=kind)
        route.conditions.create(path="event.type", operator="eq", value=of)
    route.targets.create(kind="team", team=Team.objects.get(slug="night"))
    return story


def arrive(story: Story, burst: Burst) -> list[Event]:
    engines = {engine.slug: engine for engine in Engine.objects.all()}
    known, found = Event.objects.count(), []
    for number, (type, data, minute, second) in enumerate(burst.events, known):
        with patch.object(story, "engine", engines["second" if second else "invoices"]):
            found.append(story.send(type, data, minute=minute, id=f"e-{number}"))
    Event.objects.filter(pk__in=[event.pk for event in found]).update(received_at=NOW)
    wait_no_longer()
    return found


def wait_no_longer() -> None:
    """Pauses and leases of all events end. They are due in the order of their ids, so that one by one has an order."""
    waiting = Event.objects.filter(due_at__isnull=False)
    outbox.release(waiting)
    for number, event in enumerate(waiting.order_by("id")):
        Event.objects.filter(pk=event.pk).update(due_at=NOW - timedelta(hours=1) + timedelta(seconds=number))


def one_by_one(events: Sequence[Event]) -> None:
    for event in events:
        pipeline.run(event, NOW)


def drain() -> None:
    while claims.has_due(NOW):
        pipeline.drain()


def live(story: Story, burst: Burst, *, singly: bool) -> None:
    """All events arrive and are processed, what failed in a second try; then the configuration is edited."""
    events = arrive(story, burst)
    if burst.fault is not None:
        concerned = events[burst.fault.event % len(events)]
        with burst.fault.happening(concerned, one_by_one=singly), suppress(Killed):
            drain()
        wait_no_longer()
    drain()
    assert not Event.objects.filter(due_at__isnull=False).exists()
    for name, number in burst.edits:
        EDITS[name](story, number)


_numbers = count(1)


@contextmanager
def configuration_read_anew() -> Iterator[None]:
    """Within, nothing counts that was read of it before, whether its triggers have raised the revision or not."""
    number = -next(_numbers)
    with patch.object(revision, "current", lambda: (None, number, None)):
        yield


def rows_after(story: Story, history: Sequence[Burst], size: int, *, singly: bool = False) -> list[str]:
    """All that the events leave."""
    anew = configuration_read_anew if singly else nullcontext
    with (
        transaction.atomic(),
        patch.object(claims, "BATCH", size),
        patch.object(pipeline, "run_together", one_by_one if singly else pipeline.run_together),
        patch.object(timezone, "now", lambda: NOW),
    ):
        for burst in history:
            with anew():
                live(story, burst, singly=singly)
        found = sorted(left())
        assert_contiguous()
        assert faults_since(NOW - timedelta(days=1), NOW) == []
        transaction.set_rollback(True)
    return found


@examples(300, 5)
@given(history=histories, sizes=some_sizes)
def test_together_events_leave_what_they_leave_one_by_one(
    story: Story, history: list[Burst], sizes: list[tuple[int, int]]
) -> None:
    """In the same order: events that were tried before come after the others of their batch. Also if messages to
    several people are made in parts."""
    for size, part in sizes:
        with patch.object(fanout, "AT_ONCE", part):
            together = rows_after(story, history, size)
        singly = rows_after(story, history, size, singly=True)
        assert [row for row in together if row not in singly] == []
        assert [row for row in singly if row not in together] == []


# --- together ---------------------------------------------------------------------------------------------------------
def test_a_hundred_events_are_a_few_statements(story: Story) -> None:
    a_hundred(story)
    with CaptureQueriesContext(connection) as made:
        pipeline.drain()
    assert statuses() == {"processed": 100}
    assert len(made) < 60


def test_while_more_than_a_batch_is_due_other_workers_are_woken_before_it_is_done(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    what: list[str] = []
    monkeypatch.setattr(claims, "BATCH", 50)
    monkeypatch.setattr(pipeline, "run_together", lambda events: what.append(f"{len(events)} done"))
    monkeypatch.setattr(outbox.Source, "wake", lambda source: what.append(f"{source.name} woken"))
    a_hundred(story)
    story.send("case.milestone", {"case": {"id": "C-1"}})
    pipeline.drain()
    assert what == ["events woken", "50 done", "events woken", "50 done", "1 done"]


def test_events_of_one_task_are_done_in_order(story: Story) -> None:
    story.assign("T-1")
    for name in ("First", "Second"):
        story.send("task.updated", {"task": {"id": "T-1", "name": name}})
    story.send("task.assigned", {"task": {"id": "T-2", "name": "Other", "assignee": "carol"}})
    pipeline.drain()
    assert statuses() == {"processed": 4}
    assert story.task("T-1").name == "Second"


def test_a_batch_in_which_an_external_person_is_renamed_shows_the_new_name(story: Story) -> None:
    erin = {"ref": "erin", "name": "Erin", "locale": "en"}
    story.happen("task.assigned", {"task": {"id": "T-1", "name": "Approve it", "assignee": erin}}, minute=0)
    renamed = {**erin, "name": "Erin Lindner", "locale": "de"}
    story.send("task.assigned", {"task": {"id": "T-2", "name": "Another", "assignee": renamed}}, minute=1)
    story.send("task.updated", {"task": {"id": "T-1", "name": "Approve it now"}}, minute=2)
    pipeline.drain()

    copies = Notification.objects.filter(recipient__ref="erin").order_by("task__task_id")
    assert [copy.language for copy in copies] == ["de", "de"]


def test_tasks_are_changed_and_reassigned_together(story: Story) -> None:
    Policy.objects.create(name="Until it is due", clock="due", position=-1)
    a_hundred(story)
    pipeline.drain()
    for number in range(100):
        task = {"id": f"T-{number}", "due_at": "2026-11-05T09:00:00Z", "priority": "urgent"}
        if number % 2:
            story.send("task.assigned", {"task": {**task, "assignee": ["p2", "p3"][number // 2 % 2]}})
        else:
            story.send("task.updated", {"task": {**task, "name": f"Better name {number}"}})
    with CaptureQueriesContext(connection) as made:
        pipeline.drain()
    assert statuses() == {"processed": 200}
    assert len(made) < 60
    assert {task.assignee.ref for task in Task.objects.filter(task_id__endswith="7") if task.assignee} <= {"p2", "p3"}
    copies = Notification.objects.filter(state="open").select_related("recipient")
    assert len(copies) == 100
    stayed = sum(number % 6 == 5 and number // 2 % 2 == 0 for number in range(1, 100, 2))
    assert Notification.objects.filter(state="withdrawn").count() == 50 - stayed
    assert Escalation.objects.exclude(state="closed").count() == 100
    assert_contiguous()


def test_tasks_are_closed_together(story: Story) -> None:
    a_hundred(story)
    pipeline.drain()
    for number in range(100):
        done = {"task": {"id": f"T-{number}"}, "result": {"action": "approve", "by": {"ref": "x", "name": "Xenia"}}}
        story.send("task.completed" if number % 2 else "task.cancelled", done)
    with CaptureQueriesContext(connection) as made:
        pipeline.drain()
    assert statuses() == {"processed": 200}
    assert len(made) < 70
    copies = Notification.objects.all()
    ends = {str(reasons.COMPLETED()), str(reasons.CANCELLED())}
    assert {copy.state for copy in copies} == {"withdrawn"} and {copy.reason for copy in copies} == ends
    assert all(copy.outcome and copy.outcome["by"]["name"] == "Xenia" for copy in copies)
    assert_contiguous()
    traces = Event.objects.filter(type__in=["task.completed", "task.cancelled"])
    assert all(len(event.plan["recipients"]) == 1 and event.told == 1 for event in traces)


def test_a_person_made_by_one_event_is_found_by_the_next_of_the_same_batch(story: Story) -> None:
    first = story.send(
        "task.assigned",
        {"task": {"id": "T-1", "name": "One", "assignee": "bob"}, "customer": {"ref": "erin", "name": "Erin"}},
    )
    second = story.send("task.assigned", {"task": {"id": "T-2", "name": "Two", "assignee": "erin"}})
    pipeline.drain()
    for event in (first, second):
        event.refresh_from_db()
        assert event.status == EventStatus.PROCESSED
    assert Recipient.objects.filter(ref="erin", engine=story.engine).count() == 1


def test_devices_of_all_people_of_a_batch_are_told(story: Story) -> None:
    for person in (story.bob, story.carol):
        address = f"https://push.example/{person.ref}"
        Device.objects.create(recipient=person, channel="webpush", address=address, digest=person.ref, name="Firefox")
    a_hundred(story)
    pipeline.drain()
    told = Delivery.objects.filter(channel="webpush", state="pending")
    assert {row.recipient.ref for row in told.select_related("recipient")} == {"bob", "carol"}
