"""Tasks that expire together leave the rows that they leave one by one, and a fault costs only its own task."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from escalations.models import Escalation, Policy
from notifications.items import superseding
from notifications.models import Delivery, Device, Notification, Task, TaskState
from notifications.routing import expiry, pipeline
from notifications.types import Json
from tests.factories import RecipientFactory
from tests.support.length import examples
from tests.support.locking import locked
from tests.support.rows import assert_contiguous, left
from tests.support.story import Story

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

NOON = datetime.fromisoformat("2026-11-02T12:00:00+00:00")
HOUR = timedelta(hours=1)
LONG = os.environ.get("WFPUSH_SOAK") == "long"

PEOPLE = ["alice", "bob", "carol"]
tasks = st.lists(
    st.fixed_dictionaries(
        {"expires_at": st.sampled_from([NOON - HOUR, NOON, NOON + HOUR])},
        optional={
            "assignee": st.sampled_from(PEOPLE),
            "candidates": st.lists(st.sampled_from(PEOPLE), max_size=3),
            "teams": st.just(["finance"]),
            "actions": st.just([]),
        },
    ),
    min_size=2,
    max_size=15,
)
answers = st.lists(st.sampled_from(["", "", "acknowledge", "request_info", "approve"]), min_size=15, max_size=15)


@pytest.fixture
def story(db: None) -> Story:
    story = Story.begin()
    Policy.objects.create(name="Four hours", clock="duration", minutes=240, time="wall")
    device = {"channel": "webpush", "address": "https://push.example/bob", "digest": "bob"}
    Device.objects.create(recipient=story.bob, name="Firefox", **device)
    RecipientFactory(ref="dora")  # who began the tasks, and can be asked
    return story


def assign(story: Story, said: Sequence[Json]) -> None:
    with time_machine.travel(NOON - 2 * HOUR, tick=False):
        for number, task in enumerate(said):
            story.send(
                "task.assigned", {"task": {"id": f"T-{number}", "name": f"Task {number}", "initiator": "dora", **task}}
            )
        while pipeline.claims.has_due(timezone.now()):
            pipeline.drain()


def rows_after(story: Story, drawn: Sequence[Json], answered: Sequence[str], size: int) -> list[str]:
    with transaction.atomic(), patch.object(expiry, "BATCH", size):
        assign(story, [task | {"expires_at": task["expires_at"].isoformat()} for task in drawn])
        with time_machine.travel(NOON - 1.5 * HOUR, tick=False):
            for copy in Notification.objects.filter(state="open").order_by("task_id", "recipient__ref"):
                assert copy.task is not None
                action = answered[int(copy.task.task_id[2:])]
                if action and not copy.task.responses.exists():
                    story.answer(copy.recipient, action, "Which one?", task_id=copy.task.task_id)
        Delivery.objects.filter(channel="webpush", due_at__isnull=False).update(state="delivered", due_at=None)
        with time_machine.travel(NOON, tick=False):
            expiry.expire_due()
        found = sorted(left())
        assert_contiguous()
        transaction.set_rollback(True)
    return found


@examples(200, 4)
@given(drawn=tasks, answered=answers)
def test_together_tasks_leave_what_they_leave_one_by_one(story: Story, drawn: list[Json], answered: list[str]) -> None:
    story._ids = iter(range(1, 10**6))
    singly = rows_after(story, drawn, answered, 1)
    story._ids = iter(range(1, 10**6))
    together = rows_after(story, drawn, answered, 100)
    assert [row for row in together if row not in singly] == []
    assert [row for row in singly if row not in together] == []


# --- many of them -----------------------------------------------------------------------------------------------------
def a_hundred(story: Story) -> None:
    """Expire at noon."""
    named = {"expires_at": NOON.isoformat()}
    assign(story, [named | {"assignee": PEOPLE[number % 3]} for number in range(100)])


def expire() -> None:
    with time_machine.travel(NOON, tick=False):
        expiry.expire_due()


def states() -> dict[str, int]:
    found = list(Task.objects.values_list("state", flat=True))
    return {state: found.count(state) for state in set(found)}


def test_a_hundred_tasks_are_a_few_statements(story: Story) -> None:
    a_hundred(story)
    with CaptureQueriesContext(connection) as made:
        expire()
    assert states() == {TaskState.EXPIRED: 100}
    assert len(made) < 30
    assert set(Notification.objects.values_list("state", "reason_fact__code")) == {("expired", "expired")}
    assert set(Escalation.objects.values_list("state", "end_reason_fact__code")) == {("closed", "clock_expired")}
    assert_contiguous()


def test_a_task_that_cannot_expire_costs_only_itself_and_waits_a_minute(story: Story) -> None:
    a_hundred(story)
    with connection.cursor() as cursor:
        check = "CHECK (task_id <> 'T-42' OR state <> 'expired')"
        cursor.execute(
            f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE notifications_task ADD CONSTRAINT no_poison {check}"
        )
    expire()
    assert states() == {TaskState.EXPIRED: 99, TaskState.OPEN: 1}
    assert not expiry.has_due(NOON + timedelta(seconds=30)) and expiry.has_due(NOON + expiry.PAUSE)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE notifications_task DROP CONSTRAINT no_poison")
    with time_machine.travel(NOON + expiry.PAUSE, tick=False):
        expiry.expire_due()
    assert states() == {TaskState.EXPIRED: 100}


def test_those_after_a_fault_expire_in_the_same_turn(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    a_hundred(story)
    monkeypatch.setattr(expiry, "BATCH", 10)
    monkeypatch.setattr(superseding, "supersede", lambda ids, *_: 1 / 0 if len(ids) == 10 else None)
    expire()
    assert states() == {TaskState.EXPIRED: 100}


@pytest.mark.django_db(transaction=True)
def test_a_task_that_another_transaction_holds_is_left_to_it() -> None:
    story = Story.begin()
    a_hundred(story)
    with locked(lambda: Task.objects.filter(task_id="T-7")):
        expire()
    assert states() == {TaskState.EXPIRED: 99, TaskState.OPEN: 1}
    expire()
    assert states() == {TaskState.EXPIRED: 100}
