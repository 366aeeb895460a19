"""What an engine shows of Bob's task, or has done as it was asked, is so here: told once, whatever names it uses."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.models import Policy, PolicyStep
from notifications.connectors.base import Result, Standing
from notifications.engines import callback, callback_claims, task_sync
from notifications.models import Callback, CallbackState, Engine, Event, Recipient, Task
from notifications.reasons import said
from notifications.routing import pipeline
from tests.support.length import some
from tests.support.rows import assert_contiguous, left
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    told = Story.begin()
    Engine.objects.update(kind="opentext")
    told.assign()
    return told


def shows(story: Story, assignee: str) -> bool:
    """Whether there was something to catch up with."""
    return task_sync.apply_difference(story.task(), Standing(True, assignee), timezone.now())


def assignments() -> int:
    return Event.objects.filter(type="task.assigned").count()


# --- names ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["bob", "bob@example.org", "Bob@Example.ORG"])
def test_bob_is_bob_by_whatever_name_the_engine_calls_him(story: Story, name: str) -> None:
    assert not shows(story, name)
    assert assignments() == 1


def test_an_address_that_is_not_verified_is_nobodys(story: Story) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(email_verified=False)
    assert shows(story, "bob@example.org")
    assert story.task().assignee is None


def test_carol_by_her_address_is_told_of_once(story: Story) -> None:
    assert [shows(story, "carol@example.org") for _ in range(3)] == [True, False, False]
    assert story.task().assignee == story.carol
    assert story.states() == {"bob": "withdrawn", "carol": "open"}


def test_somebody_whom_nobody_knows_is_told_of_once(story: Story) -> None:
    assert [shows(story, "dave") for _ in range(3)] == [True, False, False]
    assert story.states() == {"bob": "withdrawn"}
    Recipient.objects.create(ref="dave", name="Dave")
    assert [shows(story, "dave") for _ in range(2)] == [True, False]


CAROLS = Standing(True, "carol@example.org")


# --- what it has done as it was asked ---------------------------------------------------------------------------------
@pytest.fixture
def asked(story: Story) -> Callback:
    """To give it to Carol, and it is being told."""
    due = datetime.now(UTC) + timedelta(hours=2)
    policy = Policy.objects.create(name="Approvals", time="wall", clock="duration", minutes=60)
    PolicyStep.objects.create(policy=policy, kind="reassign", time="wall", target="manager")
    story.assign("T-43", minute=None)
    assert due_steps.tick(due) == 1
    Callback.objects.update(due_at=timezone.now())
    (claimed,) = outbox.claim(Callback.objects.all(), limit=1, lease=callback_claims.LEASE, now=timezone.now())
    return claimed


def ends(asked: Callback, outcome: Any, standing: Standing | None = CAROLS) -> CallbackState:
    callback.record(asked, Result(outcome, 200, standing=standing), timezone.now())
    return CallbackState(Callback.objects.get().state)


def test_what_it_has_done_is_so_here_in_the_same_moment(story: Story, asked: Callback) -> None:
    assert ends(asked, "done") == CallbackState.DELIVERED

    assert story.task("T-43").assignee == story.carol
    assert story.states("T-43") == {"bob": "withdrawn", "carol": "open"}
    assert story.copy(story.bob, "T-43").reason == "Reassigned to Carol"
    event = Event.objects.latest("id")
    assert (event.source, event.task, "case" in event.data) == ("wfpush", story.task("T-43"), False)
    assert (story.task("T-43").case, story.copy(story.carol, "T-43").case) == (event.case, event.case)


@pytest.mark.parametrize("outcome", ["handled", "refused", "later"])
def test_what_it_has_not_done_changes_nothing(story: Story, asked: Callback, outcome: str) -> None:
    ends(asked, outcome, None)
    assert story.task("T-43").assignee == story.bob


def test_what_comes_to_light_is_so_here_too(story: Story, asked: Callback) -> None:
    assert ends(asked, "handled", Standing(True, "alice")) == CallbackState.HANDLED
    assert story.states("T-43") == {"bob": "withdrawn", "alice": "open"}


def test_what_is_over_there_ends_here(story: Story, asked: Callback) -> None:
    assert ends(asked, "handled", Standing(False, "alice")) == CallbackState.HANDLED
    assert (story.task("T-43").state, story.states("T-43")) == ("completed", {"bob": "withdrawn"})


def test_whoever_was_told_of_before_is_told_of_once(story: Story, asked: Callback) -> None:
    story.assign("T-43", minute=None, assignee="carol")
    known = assignments()
    assert ends(asked, "done") == CallbackState.DELIVERED
    assert assignments() == known


@pytest.mark.parametrize(
    ("outcome", "status", "end"),
    [("done", "ignored", {"bob": "answered"}), ("refused", "processed", {"bob": "withdrawn", "carol": "open"})],
)
def test_an_answer_given_while_it_was_asked_stays_the_answer_unless_the_engine_refuses_it(
    story: Story, asked: Callback, outcome: Any, status: str, end: dict[str, str]
) -> None:
    story.answer(story.bob, "approve", task_id="T-43")
    callback.record(asked, Result("done", 200, standing=CAROLS), timezone.now())
    assert (story.task("T-43").state, story.task("T-43").assignee) == ("answered", story.bob)
    event = Event.objects.latest("id")
    assert event.status == "kept"

    (answer,) = outbox.claim(Callback.objects.all(), limit=1, lease=callback_claims.LEASE, now=timezone.now())
    callback.record(answer, Result(outcome, 200), timezone.now())
    pipeline.drain()
    assert Event.objects.get(pk=event.pk).status == status
    assert story.states("T-43") == end


def test_what_an_answer_overtook_is_asked_for_after_all_when_the_engine_refuses_the_answer(
    story: Story, asked: Callback
) -> None:
    outbox.postpone(asked, timezone.now())
    story.answer(story.bob, "approve", task_id="T-43")
    overtaken, answer = Callback.objects.order_by("position")
    assert overtaken.state == CallbackState.SUPERSEDED
    (claimed,) = outbox.claim(Callback.objects.all(), limit=1, lease=callback_claims.LEASE, now=timezone.now())
    assert claimed == answer
    callback.record(claimed, Result("refused", 422, said("The budget is used up")), timezone.now())
    again = Callback.objects.get(pk=overtaken.pk)
    assert (again.state, again.position, again.due_at is None) == (CallbackState.WAITING, answer.position + 1, False)
    assert story.task("T-43").state == "open"


def test_an_engine_whose_clock_is_ahead_is_followed_too(story: Story, asked: Callback) -> None:
    Task.objects.update(last_event_time=timezone.now() + timedelta(minutes=3))
    assert ends(asked, "done") == CallbackState.DELIVERED
    assert story.task("T-43").assignee == story.carol


def test_what_cannot_be_followed_now_costs_nobody_the_callback(
    story: Story, asked: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> None:
        raise ValueError("a template that nobody can read")

    with monkeypatch.context() as patch:
        patch.setattr("notifications.routing.pipeline.advance", breaks)
        assert ends(asked, "done") == CallbackState.DELIVERED
    assert story.task("T-43").assignee == story.bob
    assert task_sync.apply_difference(story.task("T-43"), Standing(True, "carol"), timezone.now())
    assert story.task("T-43").assignee == story.carol


# --- many at once -----------------------------------------------------------------------------------------------------
NUMBER = 60


def many(story: Story) -> list[tuple[Task, Standing]]:
    """A third has ended there, a third is Carol's, and a third is as it was."""
    for number in range(NUMBER):
        story.send("task.assigned", {"task": {"id": f"M-{number}", "name": "One of many", "assignee": "bob"}})
    pipeline.drain()
    shown = [Standing(False, "carol"), Standing(True, "carol"), Standing(True, "bob@example.org")]
    tasks = Task.objects.filter(task_id__startswith="M-").select_related("engine", "assignee").order_by("pk")
    return [(task, shown[int(task.task_id[2:]) % 3]) for task in tasks]


def rows_after(story: Story, found: Sequence[tuple[Task, Standing]], size: int, now: datetime) -> list[str]:
    with transaction.atomic():
        for start in range(0, NUMBER, size):
            task_sync.apply_differences(found[start : start + size], now)
        rows = sorted(left())
        assert_contiguous()
        transaction.set_rollback(True)
    return rows


def test_together_tasks_leave_what_they_leave_one_by_one(story: Story) -> None:
    found, now = many(story), timezone.now()
    with time_machine.travel(now, tick=False):
        singly = rows_after(story, found, 1, now)
        for size in (7, NUMBER):
            assert rows_after(story, found, size, now) == singly
    assert sum("/closed" in row for row in singly) >= NUMBER // 3


def test_tasks_that_have_ended_there_end_here_in_a_few_statements(story: Story) -> None:
    found = [each for each in many(story) if not each[1].is_open]
    with CaptureQueriesContext(connection) as made:
        assert task_sync.apply_differences(found, timezone.now()) == NUMBER // 3
    assert len(made) < 35
    with CaptureQueriesContext(connection) as made:
        assert task_sync.apply_differences(found, timezone.now()) == 0
    assert len(made) < 10


@pytest.mark.parametrize("poison", some(["M-0", "M-1"], 1))
def test_a_task_that_cannot_be_followed_costs_only_itself(story: Story, poison: str) -> None:
    found = many(story)
    with connection.cursor() as cursor:
        check = f"CHECK (task_id <> '{poison}' OR (state = 'open' AND data->'task'->>'assignee' = 'bob')) NOT VALID"
        cursor.execute(
            f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE notifications_task ADD CONSTRAINT no_poison {check}"
        )
    task_sync.apply_differences(found, timezone.now())
    followed = Task.objects.filter(task_id__startswith="M-")
    assert followed.filter(state="completed").count() == NUMBER // 3 - (poison == "M-0")
    assert followed.filter(assignee=story.carol).count() == NUMBER // 3 - (poison == "M-1")
    assert not Event.objects.filter(source="wfpush", subject=poison).exists(), "so that the next sweep tells it again"
    assert_contiguous()
