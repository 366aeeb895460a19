"""Events of many tasks arrive in any order and are processed in batches of any size: what people see at the end is what
the events' times say."""

import os
from collections.abc import Sequence
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from notifications.items.ledger_audit import faults_since
from notifications.models import Delivery, Event, Notification, Recipient, Task
from notifications.routing import claims, pipeline
from notifications.types import Json
from tests.support.length import examples
from tests.support.story import NINE, Story

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

LONG = os.environ.get("WFPUSH_SOAK") == "long"
SIZES = [1, 7, 100]
some_sizes = st.just(SIZES) if LONG else st.sampled_from([[size] for size in SIZES])
PEOPLE = ["alice", "bob", "carol"]
Said = tuple[int, str, Json]
"""Minutes after nine, type, and what is said of the task."""


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, Said]]:
    """Tasks by id, each with its events, which arrive in any order."""
    arriving: list[tuple[str, Said]] = []
    for number in range(draw(st.integers(1, 8))):
        count = draw(st.integers(0, 4))
        minutes = draw(st.lists(st.integers(0, 90), min_size=count + 1, max_size=count + 1, unique=True))
        life: list[Said] = [(minutes[0], "task.assigned", {"assignee": draw(st.sampled_from(PEOPLE))})]
        for minute in minutes[1:]:
            type = draw(st.sampled_from(["task.assigned", "task.updated", "task.updated"]))
            said: Json = {"assignee": draw(st.sampled_from(PEOPLE))} if type == "task.assigned" else {}
            life.append((minute, type, said))
        if draw(st.booleans()):
            life.append((draw(st.integers(0, 90)), draw(st.sampled_from(["task.completed", "task.cancelled"])), {}))
        arriving += [(f"T-{number}", said) for said in life]
    return draw(st.permutations(arriving))


@examples(200, 5, shrinks=False)
@given(arriving=lives(), sizes=some_sizes)
def test_what_people_see_is_what_the_times_say(db: None, arriving: list[tuple[str, Said]], sizes: list[int]) -> None:
    for size in sizes:
        with transaction.atomic(), patch.object(claims, "BATCH", size):
            story = Story.begin()
            for task, (minute, type, said) in arriving:
                story.send(type, {"task": {"id": task, "name": f"At {minute}", **said}}, minute=minute)
            while claims.has_due(timezone.now()):
                pipeline.drain()
            for id in {task for task, _ in arriving}:
                assert_true(id, [said for task, said in arriving if task == id])
            assert_books()
            transaction.set_rollback(True)


def assert_true(id: str, life: Sequence[Said]) -> None:
    """Of one task, in the order in which its events arrived."""
    task = Task.objects.get(task_id=id)
    open_copies = list(Notification.objects.filter(task=task, state="open").select_related("recipient"))
    endings = [said for said in life if said[1] in ("task.completed", "task.cancelled")]
    if endings:
        assert task.state == endings[0][1].removeprefix("task.")
        assert open_copies == [], "nothing is reopened"
        assert not Delivery.objects.filter(notification__task=task, state="pending").exists(), "nothing is sent of it"
        return
    last = max(minute for minute, _, _ in life)
    assert (task.name, task.last_event_time) == (f"At {last}", NINE + timedelta(minutes=last))
    assert [copy.recipient for copy in open_copies] == [task.assignee], "whoever has it has one copy"
    assert [copy.title for copy in open_copies] == [task.name]


def assert_books() -> None:
    """Every event has ended, each inbox has each number once, and the sums of the ledger are right."""
    assert set(Event.objects.values_list("status", flat=True)) <= {"processed", "stale", "ignored"}
    for person in Recipient.objects.all():
        seqs = list(Notification.objects.filter(recipient=person).values_list("seq", flat=True))
        assert len(seqs) == len(set(seqs)) and max(seqs, default=0) == person.inbox_seq
    now = timezone.now()
    assert faults_since(now - timedelta(days=1), now) == []
