"""Clocks whose steps are taken together leave the rows that they leave one by one, and a fault costs only its own
clock."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from escalations.clocks import clock, due_steps
from escalations.kinds import notify
from escalations.kinds.base import StepOutcome, Taking
from escalations.models import Escalation, Policy, PolicyStep, StepRun
from notifications.models import (
    Absence,
    Callback,
    Category,
    Delivery,
    Device,
    Notification,
    Recipient,
    Task,
    Team,
    Template,
)
from notifications.routing import pipeline
from notifications.types import Json
from tests.factories import RecipientFactory, TeamFactory
from tests.support.length import examples, some
from tests.support.locking import locked
from tests.support.rows import assert_contiguous, left
from tests.support.story import Story
from wfpush.postgres import lock_waits

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

MINUTE = timedelta(minutes=1)
NOON = datetime.fromisoformat("2026-11-02T12:00:00+00:00")
LONG = os.environ.get("WFPUSH_SOAK") == "long"
SIZES = [7, 100]
some_sizes = st.just(SIZES) if LONG else st.sampled_from([[size] for size in SIZES])

PEOPLE = ["alice", "bob", "carol", "p0", "p1", "p2", "p3"]
tells = st.fixed_dictionaries(
    {
        "kind": st.just("notify"),
        "target": st.sampled_from(["assignee", "candidates", "task_teams", "team", "team_lead", "manager", "person"]),
        "level": st.integers(1, 2),
        "channels": st.sampled_from([[], ["live", "email"], ["live", "webpush", "email"]]),
    }
)
steps = st.one_of(
    tells,
    tells,
    st.fixed_dictionaries({"kind": st.just("raise_priority"), "priority": st.sampled_from(["high", "urgent"])}),
    st.just({"kind": "tell_engine"}),
    st.fixed_dictionaries({"kind": st.just("reassign"), "target": st.sampled_from(["manager", "team_lead", "person"])}),
)
policies = st.lists(
    st.tuples(steps, st.integers(-60, 60), st.sampled_from([0, 0, 2]), st.sampled_from([*PEOPLE, None])),
    min_size=1,
    max_size=4,
)
tasks = st.lists(
    st.fixed_dictionaries(
        {"due_at": st.integers(0, 90)},
        optional={
            "assignee": st.sampled_from(PEOPLE),
            "candidates": st.lists(st.sampled_from(PEOPLE), max_size=3),
            "teams": st.lists(st.sampled_from(["finance", "night"]), max_size=2),
            "priority": st.sampled_from(["low", "high"]),
        },
    ),
    min_size=2,
    max_size=15,
)
looks = st.lists(st.integers(0, 240), min_size=1, max_size=4, unique=True).map(sorted)
"""Minutes after noon at which the worker looks: often, or after an outage."""


@pytest.fixture
def story(db: None) -> Story:
    story = Story.begin()
    for number in range(4):
        manager = Recipient.objects.get(ref=["bob", "carol"][number % 2])
        RecipientFactory(ref=f"p{number}", name=f"P {number}", locale=["en", "de"][number % 2], manager=manager)
    TeamFactory(slug="night", name="Night", members=Recipient.objects.filter(ref__in=["p0", "p1"]))
    away = {"begins_at": NOON - timedelta(days=1), "ends_at": NOON + timedelta(minutes=90)}
    Absence.objects.create(recipient=story.bob, delegate=story.carol, **away)
    Absence.objects.create(recipient=Recipient.objects.get(ref="p2"), delegate=None, **away)
    for person in (story.carol, story.alice):
        device = {"channel": "webpush", "address": f"https://push.example/{person.ref}", "digest": person.ref}
        Device.objects.create(recipient=person, name="Firefox", **device)
    return story


def write_policy(story: Story, drawn: Sequence[tuple[Json, int, int, str | None]]) -> None:
    fallback = drawn[0][3] and Recipient.objects.get(ref=drawn[0][3])
    policy = Policy.objects.create(name="Drawn", time="wall", fallback=fallback)
    for step, offset, repeats, person in drawn:
        fields: dict[str, Any] = {"offset": offset, "time": "wall", **step}
        if repeats:
            fields |= {"repeats": repeats, "repeat_every": 30}
        if step["kind"] == "notify":
            slug = "task-late" if offset >= 0 else "task-reminder"
            fields |= {"template": Template.objects.get(slug=slug), "category": Category.objects.get(slug="approvals")}
        fields["person"] = Recipient.objects.get(ref=person or "carol")
        fields["team"] = Team.objects.get(slug="finance")
        PolicyStep.objects.create(policy=policy, **fields)


def rows_after(story: Story, policy: Any, drawn: Sequence[Json], looks: Sequence[int], size: int) -> list[str]:
    with transaction.atomic(), patch.object(due_steps, "BATCH", size):
        story._ids = count(1)
        write_policy(story, policy)
        for number, task in enumerate(drawn):
            due = NOON + task["due_at"] * MINUTE
            with time_machine.travel(NOON - 60 * MINUTE, tick=False):
                story.assign(f"T-{number}", minute=None, **{"assignee": None, **task, "due_at": due.isoformat()})
        for minute in looks:
            now = NOON + minute * MINUTE
            with time_machine.travel(now, tick=False):
                while due_steps.tick(now):
                    pass
        found = sorted(left())
        assert_contiguous()
        transaction.set_rollback(True)
    return found


@examples(200, 4)
@given(policy=policies, drawn=tasks, looks=looks, sizes=some_sizes)
def test_together_steps_leave_what_they_leave_one_by_one(
    story: Story, policy: Any, drawn: list[Json], looks: list[int], sizes: list[int]
) -> None:
    singly = rows_after(story, policy, drawn, looks, 1)
    for size in sizes:
        together = rows_after(story, policy, drawn, looks, size)
        assert [row for row in together if row not in singly] == []
        assert [row for row in singly if row not in together] == []


# --- many of them -----------------------------------------------------------------------------------------------------
def a_hundred(story: Story) -> datetime:
    """That are late at the instant returned: their assignees' managers will be told."""
    story.tell_manager_when_due()
    with time_machine.travel(NOON, tick=False):
        for number in range(100):
            due = (NOON + 60 * MINUTE).isoformat()
            story.send("task.assigned", {"task": {"id": f"T-{number}", "assignee": f"p{number % 4}", "due_at": due}})
        pipeline.drain()
    return NOON + 60 * MINUTE


def by_a_step(kind: str, **fields: str) -> None:
    """Their clocks begin again, with such a step."""
    PolicyStep.objects.update(kind=kind, template=None, category=None, **fields)
    Escalation.objects.all().delete()
    with time_machine.travel(NOON, tick=False):
        for task in Task.objects.select_related("assignee", "case"):
            clock.begin(task, NOON)


@pytest.mark.parametrize(
    ("step", "most"),
    [
        pytest.param({}, 45, id="notify"),
        *some([({"kind": "tell_engine"}, 30), ({"kind": "reassign"}, 35)], 1),
        *some([({"kind": "raise_priority", "priority": priority}, 45) for priority in ("high", "urgent")], 1),
    ],
)
def test_a_hundred_steps_are_a_few_statements(story: Story, step: dict[str, str], most: int) -> None:
    now = a_hundred(story)
    if step:
        by_a_step(**step)
    with time_machine.travel(now, tick=False), CaptureQueriesContext(connection) as made:
        assert due_steps.tick(now) == 100
    assert list(StepRun.objects.values_list("result", flat=True)) == ["done"] * 100
    assert len(made) < most, [each["sql"][:200] for each in made]
    if step.get("kind") in ("tell_engine", "reassign"):
        assert Callback.objects.filter(position=1, response=None).count() == 100
    if priority := step.get("priority"):
        assert set(Notification.objects.values_list("priority", flat=True)) == {priority}
        assert_contiguous()


def test_a_step_that_cannot_be_taken_costs_only_its_own_clock(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    now = a_hundred(story)
    take, tries = notify.Notify.take, []

    def breaks(kind: notify.Notify, takings: Sequence[Taking]) -> list[StepOutcome]:
        tries.append(len(takings))
        if any(taking.task.task_id == "T-42" for taking in takings):
            raise ValueError("a value that nobody expected")
        return take(kind, takings)

    monkeypatch.setattr(notify.Notify, "take", breaks)
    with time_machine.travel(now, tick=False):
        due_steps.tick(now)
    assert (
        StepRun.objects.count() == 99 and Delivery.objects.filter(event__source="wfpush", channel="live").count() == 99
    )
    waits = Escalation.objects.get(task__task_id="T-42")
    assert waits.attempts == 1 and waits.due_at is not None and waits.due_at > now
    assert len(tries) < 20, "each half by itself"
    assert_contiguous()


def test_a_step_that_cannot_be_written_costs_only_its_own_clock(story: Story) -> None:
    now = a_hundred(story)
    poison = Escalation.objects.get(task__task_id="T-77")
    with connection.cursor() as cursor:
        check = f"CHECK (escalation_id <> '{poison.pk}')"
        cursor.execute(
            f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE escalations_steprun ADD CONSTRAINT no_poison {check}"
        )
    with time_machine.travel(now, tick=False):
        due_steps.tick(now)
    assert StepRun.objects.count() == 99
    told = Notification.objects.filter(escalated=True)
    assert told.count() == 99 and not told.filter(task=poison.task).exists()
    assert_contiguous()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_person_whom_another_transaction_holds_costs_only_their_own_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_waits, "FIRST_SECONDS", 0.2)
    story = Story.begin()
    with transaction.atomic():
        for number in range(4):
            RecipientFactory(ref=f"p{number}", name=f"P {number}", manager=RecipientFactory(ref=f"m{number}", name="M"))
    now = a_hundred(story)
    with locked(lambda: Recipient.objects.filter(ref="m1")):
        with time_machine.travel(now, tick=False):
            due_steps.tick(now)
        assert StepRun.objects.count() == 75
        later = now + timedelta(minutes=10)
        Escalation.objects.filter(due_at__isnull=False).update(attempts=due_steps.TRIES, due_at=later)
        with time_machine.travel(later, tick=False):
            due_steps.tick(later)
        assert StepRun.objects.count() == 75, "however often: nothing is wrong with the step"
    assert set(Escalation.objects.filter(runs=None).values_list("task__assignee__ref", flat=True)) == {"p1"}
