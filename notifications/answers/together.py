"""Answers that are in flight at the same time are recorded in one transaction, each with its own outcome.

Nobody waits there for what concerns somebody else's answer: what cannot be recorded together at once is recorded alone,
in the thread of whoever gave it.
"""

from collections.abc import Sequence
from typing import TypeAlias

import structlog
from django.db import connection, transaction

from notifications.answers import four_eyes, recording
from notifications.answers.given import Given, Recorded
from notifications.answers.scene import Scene
from notifications.errors import Failure
from notifications.models import Task
from wfpush.concurrency.group_commit import GroupCommit
from wfpush.postgres import lock_waits, revision

log = structlog.get_logger(__name__)

MOST = 50
"""Answers in one transaction."""

MOST_COPIES = 100
"""An answer that changes more copies has a transaction of its own."""

Outcome: TypeAlias = Recorded | Failure | None
"""None: it is to be recorded alone."""


def record(submission: Given) -> Recorded:
    """Record an answer. Outside of a transaction it returns after the commit, which other answers may share; inside, it
    is part of the transaction.

    Raises what `recording.record` raises.
    """
    outcome = None if connection.in_atomic_block else _group_commit.do(submission)
    if outcome is None:
        (outcome,) = _record([submission], shared=False)
    if not isinstance(outcome, Recorded):
        assert outcome is not None  # an answer that is alone waits until it can be recorded
        raise outcome
    return outcome


def record_all(givens: Sequence[Given]) -> list[Recorded | Failure]:
    """Record the answers of one person to several copies: up to MOST in a transaction, each with its own outcome."""
    outcomes: list[Recorded | Failure] = []
    for start in range(0, len(givens), MOST):
        some = givens[start : start + MOST]
        outcomes += [outcome or _alone(submission) for submission, outcome in zip(some, share(some), strict=True)]
    return outcomes


def _alone(submission: Given) -> Recorded | Failure:
    try:
        return record(submission)
    except Failure as refused:
        return refused


def share(givens: Sequence[Given]) -> list[Outcome]:
    """Record these together, without waiting for long for anybody."""
    try:
        with lock_waits.limited(lock_waits.AGAIN_SECONDS):
            return _record(givens, shared=True)
    except Exception as fault:  # each caller meets it again, if it is theirs
        if not lock_waits.in_vain(fault):
            log.warning("answers_not_recorded_together", answers=len(givens), fault=repr(fault))
        return [None] * len(givens)


_group_commit: GroupCommit[Given, Outcome] = GroupCommit(share, most=MOST)


def _record(givens: Sequence[Given], *, shared: bool) -> list[Outcome]:
    with transaction.atomic(), revision.held():
        lock_waits.apply()
        scene = Scene(givens, max(submission.at for submission in givens), skip=shared)
        met: set[object] = set()
        outcomes = [_outcome(submission, scene, met, shared=shared) for submission in givens]
        scene.write()
    return outcomes


def _outcome(submission: Given, scene: Scene, met: set[object], *, shared: bool) -> Outcome:
    try:
        task = recording.copy_of(submission, scene).task
        if shared and task is not None and not _may_share(task, scene, met):
            return None
        return recording.record(submission, scene)
    except Failure as refused:
        return refused


def _may_share(task: Task, scene: Scene, met: set[object]) -> bool:
    """Whether an answer may be recorded with those before it, which are not in the database yet. `met`: the tasks, and
    the cases if that matters, to which those belong."""
    scopes: set[object] = {task.pk}
    if task.case_id is not None and four_eyes.looks_back():
        scopes.add(task.case_id)
    if not scene.has(task) or scopes & met or len(scene.standing[task.pk]) > MOST_COPIES:
        return False
    met |= scopes
    return True
