"""One event of a hundred that cannot be processed costs only itself."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext

from notifications.models import (
    Case,
    Delivery,
    Event,
    Notification,
    Recipient,
    Task,
    TemplateText,
)
from notifications.routing import batch, claims, pipeline
from tests.factories import RecipientFactory
from tests.notifications.routing.hundred import a_hundred, statuses
from tests.support.length import some
from tests.support.locking import elsewhere, locked, under_way
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(db: None) -> Story:
    return story_with_people()


def story_with_people() -> Story:
    story = Story.begin()
    for number in range(3):
        RecipientFactory(ref=f"p{number}", name=f"Person {number}")
    return story


def test_an_event_that_cannot_be_decided_costs_only_itself(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    poison = a_hundred(story)[42]
    advance = pipeline.advance

    def breaks(event: Event, of: batch.Batch) -> pipeline.Result:
        if event == poison:
            raise ValueError("a value that nobody expected")
        return advance(event, of)

    monkeypatch.setattr(pipeline, "advance", breaks)
    pipeline.drain()
    assert statuses() == {"processed": 99, "accepted": 1}
    poison.refresh_from_db()
    assert poison.error == "ValueError: a value that nobody expected"
    assert Notification.objects.count() == 99 and Delivery.objects.filter(channel="live").count() == 99


def test_the_trace_of_another_event_says_what_it_says_without_it(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A try that fails leaves nothing behind in memory."""
    poison, other = a_hundred(story)[:2]
    other.data["documents"] = [{"title": "Bill", "url": "javascript:alert(1)"}]
    other.save(update_fields=["data"])
    advance = pipeline.advance

    def breaks(event: Event, of: batch.Batch) -> pipeline.Result:
        result = advance(event, of)
        if event == poison:
            raise ValueError("it is refused when all is decided")
        return result

    monkeypatch.setattr(pipeline, "advance", breaks)
    pipeline.drain()
    other.refresh_from_db()
    assert other.plan["notes_facts"] == [{"code": "bad_link", "path": "documents.0.url"}]


def test_an_event_that_cannot_be_written_costs_only_itself(story: Story) -> None:
    poison = a_hundred(story)[77]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications_task ADD CONSTRAINT no_poison CHECK (name <> 'Task 77')")
    pipeline.drain()
    assert statuses() == {"processed": 99, "accepted": 1}
    poison.refresh_from_db()
    assert "no_poison" in poison.error
    assert not Task.objects.filter(task_id="T-77").exists() and Task.objects.count() == 99


def test_an_event_whose_lease_was_lost_is_left_to_its_new_holder(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, new_holder, process = a_hundred(story)[3], uuid4(), pipeline.process

    def after_a_pause(events: Sequence[Event], now: datetime) -> None:
        Event.objects.filter(pk=taken.pk).update(lease_token=new_holder, lease_until=now + claims.LEASE)
        process(events, now)

    monkeypatch.setattr(pipeline, "process", after_a_pause)
    pipeline.drain()
    taken.refresh_from_db()
    assert statuses() == {"processed": 99, "accepted": 1}
    assert taken.lease_token == new_holder
    assert not Notification.objects.filter(event=taken).exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_that_another_process_makes_meanwhile_is_not_made_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only after a lost lease: events of one task are processed one at a time."""
    story, write = Story.begin(), batch.Batch.write
    for number in range(10):
        story.send("task.assigned", {"task": {"id": f"T-{number}", "name": "Task", "assignee": "bob"}})

    def too_late(of: batch.Batch) -> None:
        if not Task.objects.exists():
            elsewhere(lambda: Task.objects.create(engine=story.engine, task_id="T-5")).join()
        write(of)

    monkeypatch.setattr(batch.Batch, "write", too_late)
    pipeline.drain()
    assert statuses() == {"processed": 10}
    assert Task.objects.filter(name="Task").count() == 10 and Notification.objects.count() == 10


def test_a_number_that_an_inbox_has_already_costs_only_the_events_of_its_person(story: Story) -> None:
    """A unique constraint, which is checked when rows are written: Dave's counter is behind, as after a bad repair."""
    dave = RecipientFactory(ref="dave", name="Dave")
    first = story.happen("task.assigned", {"task": {"id": "T-1000", "name": "His first", "assignee": "dave"}})
    Recipient.objects.filter(pk=dave.pk).update(inbox_seq=0)
    events = a_hundred(story)
    Event.objects.filter(pk=events[50].pk).update(data={"task": {"id": "T-50", "name": "His", "assignee": "dave"}})

    pipeline.drain()

    assert statuses() == {"processed": 100, "accepted": 1}
    events[50].refresh_from_db()
    assert "seq_is_unique" in events[50].error and first.status == "processed"
    assert Notification.objects.count() == 100 and not Task.objects.filter(task_id="T-50").exists()


# --- a row that another transaction has locked ------------------------------------------------------------------------
BOUND_SECONDS = 30.0
"""On a machine that is busy with other things; about 4 on one that is not."""


ROWS: dict[str, Callable[[], QuerySet[Model]]] = {
    "task": lambda: Task.objects.filter(task_id="T-42"),
    "case": lambda: Case.objects.filter(case_id="C-42"),
    "person": lambda: Recipient.objects.filter(ref="dave"),
    "external person": lambda: Recipient.objects.filter(ref="erin"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("row", some(ROWS, 1))
def test_a_row_that_is_locked_for_long_holds_up_only_its_event(row: str) -> None:
    story = story_with_people()
    RecipientFactory(ref="dave", name="Dave")
    RecipientFactory(ref="erin", name="Erin", engine=story.engine)
    story.happen("case.milestone", {"case": {"id": "C-42"}})
    Task.objects.create(engine=story.engine, task_id="T-42", name="Told of before, never assigned")
    Event.objects.all().delete()
    events = a_hundred(story)
    concerned = events[42]
    concerned.data["task"]["assignee"] = "dave"
    concerned.data |= {"case": {"id": "C-42"}, "customer": {"ref": "erin", "name": "Erin Renamed"}}
    concerned.data["task"]["initiator"] = concerned.data["customer"]
    concerned.save(update_fields=["data"])

    with locked(ROWS[row]):
        begun = time.monotonic()
        pipeline.drain()
        took = time.monotonic() - begun
        assert statuses() == {"processed": 99, "accepted": 1}
    concerned.refresh_from_db()
    assert took < BOUND_SECONDS
    assert concerned.due_at is not None and concerned.lease_token is None and "lock timeout" in concerned.error

    Event.objects.filter(pk=concerned.pk).update(due_at=concerned.received_at)
    pipeline.drain()
    assert statuses() == {"processed": 100}
    assert Notification.objects.count() == 100
    assert Recipient.objects.get(ref="erin").name == "Erin Renamed"


@pytest.mark.django_db(transaction=True)
def test_a_task_that_another_process_is_making_for_long_holds_up_only_its_event() -> None:
    """Whether it is unique is known when the other transaction has ended."""
    story = story_with_people()
    events = a_hundred(story)
    with under_way(lambda: Task.objects.create(engine=story.engine, task_id="T-60")):
        pipeline.drain()
        assert statuses() == {"processed": 99, "accepted": 1}
    Event.objects.filter(pk=events[60].pk).update(due_at=events[60].received_at)
    pipeline.drain()
    assert statuses() == {"processed": 100}
    assert Task.objects.get(task_id="T-60").name == "Task 60" and Notification.objects.count() == 100


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_events_that_all_wait_for_one_person_are_put_off_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for the cause among many does not wait as long for each, nor does the next try."""
    story = story_with_people()
    events = a_hundred(story)
    monkeypatch.setattr(outbox, "TURN_SECONDS", 0.01)  # for one batch
    with locked(lambda: Recipient.objects.filter(ref="bob")):
        begun = time.monotonic()
        pipeline.drain()
        took = time.monotonic() - begun
        assert statuses() == {"processed": 83, "accepted": 17}
        waiting = Event.objects.filter(due_at__isnull=False)
        assert {event.data["task"]["assignee"] for event in waiting} == {"bob"}
        waiting.update(due_at=events[0].received_at)
        pipeline.drain()
        took_again = time.monotonic() - begun - took
        assert statuses() == {"processed": 83, "accepted": 17}
    assert took < BOUND_SECONDS and took_again < BOUND_SECONDS
    waiting.update(due_at=events[0].received_at)
    pipeline.drain()
    assert statuses() == {"processed": 100} and Notification.objects.count() == 100


# --- a template -------------------------------------------------------------------------------------------------------
def test_a_template_that_fails_on_one_event_words_all_others(story: Story) -> None:
    """That one is told with the task's name, and its trace says why."""
    for text in TemplateText.objects.filter(version__template__slug="task", version__state="published"):
        text.title = "Worded: {{ task.name }}"
        text.body = "{% for line in lines %}{% for each in lines %}.{% endfor %}{% endfor %}"
        text.save()
    events = a_hundred(story)
    events[13].data["lines"] = list(range(100))
    events[13].save(update_fields=["data"])

    with CaptureQueriesContext(connection) as made:
        pipeline.drain()

    assert len(made) < 60, "in one transaction"
    assert statuses() == {"processed": 100}
    assert Notification.objects.filter(title__startswith="Worded: Task ").count() == 99
    assert Notification.objects.exclude(title__startswith="Worded: Task ").get().title == "Task 13"
    warned = [event.event_id for event in Event.objects.all() if event.plan.get("warnings_facts")]
    assert warned == [events[13].event_id]
