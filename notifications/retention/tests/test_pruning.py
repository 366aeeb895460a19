"""Rules let things go: by category, in small steps, and never what waits, is under way, or is held."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications import housekeeping
from notifications.items.ledger_audit import faults_since, sums_since
from notifications.models import (
    Attachment,
    AttachmentPiece,
    Callback,
    Case,
    Category,
    Delivery,
    Device,
    Event,
    Notification,
    Response,
    Task,
    TaskMessage,
)
from notifications.people import devices
from notifications.retention import pruning, rules
from notifications.retention.models import LegalHold, Pruning, RetentionRule
from notifications.types import NewAddress
from tests.support.api import person_caller
from tests.support.files import png
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db

THEN, NOW = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 11, 2, 9, tzinfo=UTC)
MESSAGES = "/api/v1/tasks/{}/messages"


@pytest.fixture
def story() -> Any:
    """In March Bob decided T-1 after a question with a file, and T-2 of another case still waits. In October he decided
    T-3, and the case of T-1 had news."""
    with time_machine.travel(THEN, tick=False):
        story = Story.begin()
        decided(story, "T-1")
        assign(story, "T-2", case="4712", assignee="bob")
        story.happen("com.acme.nobody", {"variables": {"x": 1}})
        browser = NewAddress("webpush", "https://web.push.apple.com/a", "endpoint", "B", p256dh="K")
        devices.register(story.bob, browser, name="Firefox", now=timezone.now())
    with time_machine.travel(NOW - timedelta(days=20), tick=False):
        decided(story, "T-3", case="4713")
    with time_machine.travel(NOW, tick=False):
        yield story


def assign(story: Story, task_id: str, case: str, **people: Any) -> None:
    task = {"id": task_id, "name": "Approve it", "kind": "approval", **people}
    story.happen("task.assigned", {"task": task, "case": {"id": case, "title": f"Invoice {case}"}})


def decided(story: Story, task_id: str, case: str = "4711") -> None:
    assign(story, task_id, case, candidates=["bob", "carol"], initiator="alice")
    bob = person_caller(story.bob)
    file = bob.post("/api/v1/attachments?name=a.png", png(), type="application/octet-stream").json()["id"]
    asked = {"kind": "question", "text": "Why?", "to": ["alice"], "attachments": [file]}
    assert bob.post(MESSAGES.format(task_id), asked).status_code == 201
    reply = {"kind": "reply", "text": "Because."}
    assert person_caller(story.alice).post(MESSAGES.format(task_id), reply).status_code in (200, 201)
    story.answer(story.bob, "approve", task_id=task_id)
    for row in (Delivery, TaskMessage):
        row.objects.update(due_at=None)
    Event.objects.update(due_at=None, processed_at=timezone.now())
    Callback.objects.update(state="delivered", due_at=None, ended_at=timezone.now())
    Delivery.objects.filter(state="pending").update(state="delivered", ended_at=timezone.now())


def through(**days: int) -> dict[str, int]:
    if days:
        RetentionRule.objects.update_or_create(category=None, defaults=days)
    return pruning.run_through(timezone.now())


def tasks() -> list[str]:
    return sorted(Task.objects.values_list("task_id", flat=True))


def test_without_a_rule_nothing_is_looked_at(story: Story) -> None:
    before = sums_since(THEN)
    housekeeping.prune(timezone.now())
    assert not pruning.has_due(timezone.now()) and not Pruning.objects.exists()
    assert sums_since(THEN) == before


def test_a_decided_task_goes_with_all_that_belongs_to_it_and_what_is_left_adds_up(story: Story) -> None:
    removed = through(items_days=90)

    assert removed["tasks"] == 1 and tasks() == ["T-2", "T-3"]
    assert {row.task.task_id for row in Response.objects.select_related("task")} == {"T-3"}
    for model in (Callback, TaskMessage):
        assert set(model.objects.values_list("task__task_id", flat=True)) == {"T-3"}
    assert Attachment.objects.count() == AttachmentPiece.objects.count() == 1
    assert not Notification.objects.filter(case__case_id="4711", task=None).exists(), "nor the question in an inbox"
    assert set(Event.objects.exclude(task=None).values_list("task__task_id", flat=True)) == {"T-2", "T-3"}
    assert Event.objects.filter(type="com.acme.nobody").exists(), "which is another rule's"
    assert sorted(Case.objects.values_list("case_id", flat=True)) == ["4712", "4713"]
    assert faults_since(THEN, timezone.now()) == []
    assert through() == dict.fromkeys(pruning.STEPS, 0), "a second time nothing is left to do"


def test_what_waits_is_under_way_or_held_stays(story: Story) -> None:
    now = timezone.now()
    hold = LegalHold.objects.create(case=Case.objects.get(case_id="4711"), why="court", since=now)
    assert through(items_days=90)["tasks"] == 0
    rules.lift(hold, None, now)
    callback = Callback.objects.filter(task__task_id="T-1").first()
    delivery = Delivery.objects.filter(notification__task__task_id="T-1").first()
    for row, waits, ended in ((callback, {"ended_at": None}, {"ended_at": now}), (delivery, {}, {})):
        assert row is not None
        type(row)._default_manager.filter(pk=row.pk).update(due_at=now + timedelta(days=1), **waits)
        assert through()["tasks"] == 0
        type(row)._default_manager.filter(pk=row.pk).update(due_at=None, **ended)
    assert through()["tasks"] == 1 and "T-2" in tasks()


def test_a_category_has_a_rule_of_its_own(story: Story) -> None:
    approvals = Category.objects.get(slug="approvals")
    RetentionRule.objects.create(category=approvals, items_days=None)
    assert through(items_days=90)["tasks"] == 0, "theirs says for good"
    RetentionRule.objects.filter(category=approvals).update(items_days=31)
    assert through(items_days=3650)["tasks"] == 1
    assert tasks() == ["T-2", "T-3"]


def test_events_without_items_addresses_and_devices_go_by_their_own_rules(story: Story) -> None:
    assert Delivery.objects.filter(address__contains="@").exists()
    removed = through(events_days=90, devices_days=90, addresses_days=90)

    assert removed["events without items"] >= 1 and not Event.objects.filter(type="com.acme.nobody").exists()
    assert removed["unused devices"] == 1 and not Device.objects.exists()
    old = Delivery.objects.filter(created_at__lt=timezone.now() - timedelta(days=90))
    assert old.exists() and not old.filter(address__contains="@").exists()
    assert {row.to for row in old.filter(channel="email")} == {""}
    old_traces = [str(each.plan) for each in Event.objects.filter(received_at__lt=timezone.now() - timedelta(days=90))]
    assert "@" not in "".join(old_traces)
    assert Delivery.objects.filter(created_at__gt=timezone.now() - timedelta(days=90), address__contains="@").exists()
    assert tasks() == ["T-1", "T-2", "T-3"] and faults_since(THEN, timezone.now()) == []


def test_it_goes_on_where_it_was_and_workers_take_turns(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    RetentionRule.objects.create(items_days=31)
    monkeypatch.setattr(pruning, "TASKS_AT_ONCE", 1)
    monkeypatch.setattr(pruning, "AT_ONCE", 1)
    monkeypatch.setattr(outbox, "wake", lambda source: None)
    monkeypatch.setattr(outbox, "TURN_SECONDS", 0.001)
    housekeeping.prune(timezone.now())
    places = []
    while pruning.has_due(timezone.now()):
        pruning.drain()
        places.append(Pruning.objects.values_list("step", "cursor").get())
    assert len(set(places)) > 5 and tasks() == ["T-2", "T-3"]
    assert Pruning.objects.get().removed["tasks"] == 1


def test_the_command_does_all_of_it(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    RetentionRule.objects.create(items_days=90)
    call_command("prune")
    assert "1 tasks" in capsys.readouterr().out and tasks() == ["T-2", "T-3"]


def test_no_step_reads_a_whole_table(story: Story) -> None:
    """Each row is found by a key, however many there are."""
    RetentionRule.objects.create(items_days=31, events_days=31, addresses_days=31, devices_days=31)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        pruning.run_through(timezone.now())
    read = [each["sql"] for each in queries.captured_queries if each["sql"].startswith(("SELECT", "UPDATE", "DELETE"))]
    large = ("event", "task", "notification", "delivery", "deliveryattempt", "response", "callback", "taskmessage")
    scanned = set()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in read:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(row for (row,) in cursor.fetchall())
            scanned |= {name for name in large if f"Seq Scan on notifications_{name} " in plan}
    assert scanned == set()
