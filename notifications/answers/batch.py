"""Answers that are in flight at the same time are recorded in one transaction, each with its own outcome.

No answer waits there for another person's: an answer that cannot be recorded with the others at once is recorded alone,
in the thread of its own request.
"""

from collections.abc import Sequence
from typing import TypeAlias

import structlog
from django.db import connection, transaction

from notifications.answers import four_eyes, recording
from notifications.answers.answer_context import AnswerContext
from notifications.answers.submission import RecordedAnswer, Submission
from notifications.errors import Failure, NotFound
from notifications.models import Task
from wfpush.concurrency.group_commit import GroupCommit
from wfpush.postgres import lock_waits, revision

log = structlog.get_logger(__name__)

MAX_ANSWERS = 50
"""Answers in one transaction."""

MOST_COPIES = 100
"""The number of copies above which an answer has a transaction of its own."""

Outcome: TypeAlias = RecordedAnswer | Failure | None
"""The result of one answer; None if it must be recorded alone."""


def record(submission: Submission) -> RecordedAnswer:
    """Record an answer. Outside of a transaction it returns after the commit, which other answers may share; inside, it
    is part of the transaction.

    Raises what `recording.record` raises.
    """
    outcome = None if connection.in_atomic_block else _group_commit.do(submission)
    if outcome is None:
        (outcome,) = _record([submission], shared=False)
    if not isinstance(outcome, RecordedAnswer):
        assert outcome is not None  # an answer that is alone waits until it can be recorded
        raise outcome
    return outcome


def record_all(submissions: Sequence[Submission]) -> list[RecordedAnswer | Failure]:
    """Record one person's answers to several copies: up to MAX_ANSWERS a transaction, each with its own outcome."""
    outcomes: list[RecordedAnswer | Failure] = []
    for start in range(0, len(submissions), MAX_ANSWERS):
        some = submissions[start : start + MAX_ANSWERS]
        outcomes += [outcome or _alone(submission) for submission, outcome in zip(some, share(some), strict=True)]
    return outcomes


def _alone(submission: Submission) -> RecordedAnswer | Failure:
    try:
        return record(submission)
    except Failure as refused:
        return refused


def share(submissions: Sequence[Submission]) -> list[Outcome]:
    """Record these answers together, without waiting for locks for long."""
    try:
        with lock_waits.limited(lock_waits.AGAIN_SECONDS):
            return _record(submissions, shared=True)
    except Exception as fault:  # an answer that causes it meets it again when it is recorded alone
        if not lock_waits.in_vain(fault):
            log.warning("answers_not_recorded_together", answers=len(submissions), fault=repr(fault))
        return [None] * len(submissions)


_group_commit: GroupCommit[Submission, Outcome] = GroupCommit(share, most=MAX_ANSWERS)


def _record(submissions: Sequence[Submission], *, shared: bool) -> list[Outcome]:
    with transaction.atomic(), revision.held():
        lock_waits.apply()
        context = AnswerContext(submissions, max(submission.at for submission in submissions), skip=shared)
        used_scopes: set[object] = set()
        outcomes: list[Outcome] = []
        for submission in submissions:
            try:
                item = context.copies.get(submission.notification)
                if item is None or item.recipient_id != submission.person:
                    raise NotFound("There is no such notification of yours.")
                alone = shared and item.task is not None and not _may_share(item.task, context, used_scopes)
                outcomes.append(None if alone else recording.record(item, submission.answer, context))
            except Failure as refused:
                outcomes.append(refused)
        context.write()
    return outcomes


def _may_share(task: Task, context: AnswerContext, used_scopes: set[object]) -> bool:
    """Return whether an answer may be recorded with those before it, which are not in the database yet.
    `used_scopes`: the tasks of those, and their cases if a rule looks back."""
    scopes: set[object] = {task.pk}
    if task.case_id is not None and four_eyes.looks_back():
        scopes.add(task.case_id)
    if task.pk not in context.locked or scopes & used_scopes or len(context.standing[task.pk]) > MOST_COPIES:
        return False
    used_scopes |= scopes
    return True
