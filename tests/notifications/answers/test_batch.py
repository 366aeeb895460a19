"""Answers recorded in one transaction leave the rows that they leave one by one, and none is held up by another."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from escalations.models import Escalation, Policy
from notifications import errors
from notifications.answers import answer_body, batch, recording
from notifications.answers.respond import respond
from notifications.answers.submission import Answer, RecordedAnswer, Submission
from notifications.attachments import storage
from notifications.attachments.storage import Sender
from notifications.items import live_frames
from notifications.items.ledger_audit import faults_since
from notifications.models import (
    Callback,
    Delivery,
    FourEyesRule,
    IdempotencyKey,
    Notification,
    Recipient,
    RefusedAnswer,
    Response,
    Task,
    TaskState,
)
from tests.factories import RecipientFactory
from tests.support.at_once import at_once, or_failure
from tests.support.files import pdf
from tests.support.locking import locked
from tests.support.rows import assert_contiguous, left
from tests.support.story import Story

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)

TOLD: list[tuple[str, str, str, dict[str, Any]]] = [
    ("T-1", "bob", "approve", {"idempotency_key": "k"}),
    ("T-2", "bob", "reject", {"comment": "No."}),
    ("T-3", "carol", "acknowledge", {}),
    ("T-4", "carol", "request_info", {"comment": "Which one?"}),
    ("T-5", "bob", "acknowledge", {}),
    ("T-6", "bob", "approve", {"comment": "After the question."}),
    ("T-7", "bob", "approve", {}),
    ("T-8", "bob", "reject", {}),
    ("T-9", "carol", "approve", {"variables": {"limit": 5}}),
    ("T-10", "bob", "launch", {}),
    ("T-11", "bob", "approve", {}),
]
"""Bob has acknowledged T-5 before, and Carol has asked about T-6 and approved T-7; Bob has started T-11."""


@pytest.fixture
def story() -> Story:
    return Story.begin()


def given(story: Story, person: Recipient, task_id: str, action: str, **more: Any) -> Submission:
    return Submission(person.pk, story.copy(person, task_id).pk, Answer(action, **more), NOW)


def tasks(story: Story, count: int) -> list[Submission]:
    """Bob approves so many tasks that are his and Carol's, each of a case of its own."""
    for number in range(count):
        about = {"task": {"id": f"T-{number}", "name": "Approve", "kind": "approval", "candidates": ["bob", "carol"]}}
        story.happen("task.assigned", {**about, "case": {"id": f"C-{number}"}})
    return [given(story, story.bob, f"T-{number}", "approve") for number in range(count)]


def all_of(story: Story) -> list[Submission]:
    """Answers of all kinds, some of which are refused."""
    story.let_people_set("limit")
    Policy.objects.create(name="Four hours", clock="duration", minutes=240, time="wall", on_acknowledge="stops")
    FourEyesRule.objects.create(name="Whoever started it")
    for task_id in dict.fromkeys(task_id for task_id, *_ in TOLD):
        story.assign(task_id, candidates=["bob", "carol"], initiator="bob" if task_id == "T-11" else "alice")
    waiting = Delivery.objects.filter(channel="email", recipient=story.carol)
    assert waiting.filter(state="pending").exists()
    before = NOW - timedelta(hours=1)
    for person, task_id, answer in [
        (story.bob, "T-5", Answer("acknowledge")),
        (story.carol, "T-6", Answer("request_info", "What for?")),
        (story.carol, "T-7", Answer("approve")),
    ]:
        respond(story.copy(person, task_id), answer, now=before)
    people = {person.ref: person for person in (story.bob, story.carol)}
    return [given(story, people[ref], task_id, action, **more) for task_id, ref, action, more in TOLD]


def rows_after(record: Callable[[], Sequence[object]]) -> tuple[list[str], list[str]]:
    """What is told, and all rows that are left."""
    with transaction.atomic(), patch.object(timezone, "now", lambda: NOW):
        said = [_told(outcome) for outcome in record()]
        found = [*left(), *(_said(row) for row in Response.objects.select_related("task", "recipient"))]
        found += [f"key {row.key} {row.fingerprint}" for row in IdempotencyKey.objects.all()]
        found += [
            f"refused {row.task} {row.recipient} {row.rule} {row.why} {row.at}" for row in RefusedAnswer.objects.all()
        ]
        assert_contiguous()
        assert faults_since(NOW - timedelta(days=1), NOW) == []
        transaction.set_rollback(True)
    return said, sorted(found)


def _said(row: Response) -> str:
    return f"answer {row.task.task_id} {row.recipient} {row.action} {row.comment} {row.variables} {row.at} {row.counts}"


def _told(outcome: object) -> str:
    if isinstance(outcome, RecordedAnswer):
        return f"{outcome.created} {outcome.response.action} {outcome.connect}"
    return repr(outcome)


def one_by_one(submissions: Sequence[Submission]) -> list[object]:
    outcomes: list[object] = []
    for each in submissions:
        try:
            outcomes.append(batch.record(each))
        except errors.Failure as refused:
            outcomes.append(refused)
    return outcomes


def test_together_answers_leave_what_they_leave_one_by_one(story: Story) -> None:
    submissions = all_of(story)
    said, rows = rows_after(lambda: batch.share(submissions))
    expected, singly = rows_after(lambda: one_by_one(submissions))
    assert said == expected
    assert [row for row in rows if row not in singly] == []
    assert [row for row in singly if row not in rows] == []
    assert sum(row.startswith("answer") for row in rows) > 8 and any(row.startswith("refused") for row in rows)
    assert any("FourEyes" in each for each in said) and any("CommentRequired" in each for each in said)


def test_sixteen_answers_are_a_few_statements(story: Story) -> None:
    submissions = tasks(story, 16)
    with CaptureQueriesContext(connection) as made:
        outcomes = batch.share(submissions)
    assert all(isinstance(outcome, RecordedAnswer) for outcome in outcomes)
    assert Callback.objects.count() == 16
    assert len(made) < 30


# --- what is not done together ----------------------------------------------------------------------------------------
def test_of_two_answers_to_one_task_the_second_is_decided_after_the_first(story: Story) -> None:
    story.assign(candidates=["bob", "carol"])
    first, second = given(story, story.bob, "T-42", "approve"), given(story, story.carol, "T-42", "approve")
    outcomes = batch.share([first, second])
    assert isinstance(outcomes[0], RecordedAnswer) and outcomes[1] is None
    with pytest.raises(errors.AlreadyAnswered):
        batch.record(second)


def test_four_eyes_see_the_step_before_even_if_it_is_decided_at_the_same_time(story: Story) -> None:
    FourEyesRule.objects.create(name="Not twice", not_initiator=False, not_previous=True)
    story.assign("T-1", candidates=["bob", "carol"])
    story.assign("T-2", candidates=["bob", "carol"])
    submissions = [given(story, story.bob, task_id, "approve") for task_id in ("T-1", "T-2")]
    outcomes = batch.share(submissions)
    assert isinstance(outcomes[0], RecordedAnswer) and outcomes[1] is None
    with pytest.raises(errors.FourEyes):
        batch.record(submissions[1])


def test_an_answer_that_changes_many_copies_holds_up_no_other(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_COPIES", 2)
    RecipientFactory(ref="dave", name="Dave")
    story.assign("T-1", candidates=["bob", "carol", "dave"])
    story.assign("T-2", candidates=["bob", "carol"])
    outcomes = batch.share([given(story, story.bob, task_id, "approve") for task_id in ("T-1", "T-2")])
    assert outcomes[0] is None and isinstance(outcomes[1], RecordedAnswer)


def test_a_file_goes_with_the_first_of_two_questions_that_name_it(story: Story) -> None:
    """The second one is refused, although the first is not in the database yet."""
    for task_id in ("T-1", "T-2"):
        story.assign(task_id, candidates=["bob", "carol"])
    file = storage.keep(BytesIO(pdf()), "receipt.pdf", Sender(person=story.bob), NOW).attachment
    asked = [given(story, story.bob, task_id, "request_info", files=(file.pk,)) for task_id in ("T-1", "T-2")]
    first, second = batch.share(asked)
    assert isinstance(first, RecordedAnswer) and isinstance(second, errors.Invalid)
    file.refresh_from_db()
    assert file.message_id == first.response.pk and Response.objects.count() == 1


# --- many people at once ----------------------------------------------------------------------------------------------
def all_at_once(submissions: Sequence[Submission]) -> list[object]:
    return list(at_once(*(or_failure(partial(batch.record, each), Exception) for each in submissions)))


@pytest.mark.django_db(transaction=True)
def test_many_answers_at_once_share_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story.begin()
    submissions, lots, share = tasks(story, 12), [], batch.share

    def counted(lot: Sequence[Submission]) -> list[batch.Outcome]:
        lots.append(len(lot))
        return share(lot)

    monkeypatch.setattr(batch._group_commit, "_work", counted)
    outcomes = all_at_once(submissions)
    assert all(isinstance(outcome, RecordedAnswer) and outcome.created for outcome in outcomes)
    assert sum(lots) == 12 and max(lots) > 1
    assert set(Task.objects.values_list("state", flat=True)) == {TaskState.ANSWERED}
    assert Callback.objects.count() == 12
    assert_contiguous()


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_cannot_be_recorded_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story.begin()
    submissions, body = tasks(story, 6), answer_body.task_responded

    def breaks(response: Response, task: Task, copy: Notification, *more: Any) -> str:
        if task.task_id == "T-3":
            raise ValueError("a value that nobody expected")
        return body(response, task, copy, *more)

    monkeypatch.setattr(answer_body, "task_responded", breaks)
    outcomes = all_at_once(submissions)
    assert [isinstance(outcome, RecordedAnswer) for outcome in outcomes] == [True, True, True, False, True, True]
    assert isinstance(outcomes[3], ValueError)
    assert Callback.objects.count() == 5 and story.task("T-3").state == TaskState.OPEN


ROWS: dict[str, Callable[[], QuerySet[Model]]] = {
    "task": lambda: Task.objects.filter(task_id="T-3"),
    "person": lambda: Recipient.objects.filter(ref="dave"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_is_locked_for_long_holds_up_only_its_answer(row: str) -> None:
    story = Story.begin()
    dave = RecipientFactory(ref="dave", name="Dave")
    submissions = tasks(story, 5)
    story.assign("T-3", assignee="dave", minute=None)
    submissions[3] = given(story, dave, "T-3", "approve")
    outcomes: dict[int, object] = {}

    def answer(number: int) -> None:
        try:
            outcomes[number] = batch.record(submissions[number])
        finally:
            connection.close()

    threads = [threading.Thread(target=answer, args=[number]) for number in range(5)]
    with locked(ROWS[row]):
        for thread in threads:
            thread.start()
        for number in (0, 1, 2, 4):
            threads[number].join(10)
        assert sorted(outcomes) == [0, 1, 2, 4]
    threads[3].join(10)
    recorded = outcomes[3]
    assert isinstance(recorded, RecordedAnswer) and recorded.created
    assert Callback.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_is_read_at_the_same_moment_stays_read(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story.begin()
    story.assign(candidates=["bob", "carol"])
    hers, then = story.copy(story.carol), NOW - timedelta(minutes=1)
    record = recording.record

    def meanwhile(*arguments: Any) -> RecordedAnswer:
        recorded = record(*arguments)
        reading = threading.Thread(target=read)
        reading.start()
        reading.join(10)
        return recorded

    def read() -> None:
        Notification.objects.filter(pk=hers.pk).update(read_at=then)
        connection.close()

    monkeypatch.setattr(recording, "record", meanwhile)
    batch.record(given(story, story.bob, "T-42", "approve"))
    assert story.copy(story.carol).read_at == then and story.copy(story.carol).state == "answered"


def test_clocks_of_all_tasks_end(story: Story) -> None:
    Policy.objects.create(name="Four hours", clock="duration", minutes=240, time="wall")
    batch.share(tasks(story, 4))
    assert set(Escalation.objects.values_list("state", flat=True)) == {"closed"}
    assert Escalation.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_frames_are_made_for_those_alone_who_have_an_inbox_open(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story.begin()
    submissions, bob = tasks(story, 3), live_frames.group_of(story.bob.pk)
    asked: list[list[str]] = []
    sent: list[live_frames.Frame] = []

    class Layer:
        async def groups_heard(self, groups: list[str]) -> list[str]:
            asked.append(groups)
            return [bob]

        async def groups_send(self, frames: list[live_frames.Frame]) -> None:
            sent.extend(frames)

    monkeypatch.setattr(live_frames, "get_channel_layer", Layer)
    batch.share(submissions)
    assert [sorted(groups) for groups in asked] == [sorted([bob, live_frames.group_of(story.carol.pk)])]
    last = Recipient.objects.get(pk=story.bob.pk).inbox_seq
    assert [(group, frame["seq"]) for group, frame in sent] == [(bob, last - 2), (bob, last - 1), (bob, last)]
