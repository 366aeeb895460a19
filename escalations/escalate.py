"""Takes the steps that are due: each exactly once, in one transaction with what it does.

A task is read again before each step. After an outage the last step that was missed speaks for those before it.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from escalations import clock
from escalations.models import Escalation, RunResult, StepKind, StepRun
from escalations.rules import Occurrence, RuleSet, rules_of
from escalations.steps import Taken, Taking, take
from escalations.targets import OWN
from notifications.models import Task
from wfpush import outbox

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = timedelta(seconds=50)
BUDGET = timedelta(seconds=20)
MISSED = timedelta(minutes=1)
"""A message later than this is left out where a later one is due, too: nobody is told of each hour of an outage."""
TRIES = 10
"""After so many a failing step is given up."""
RETRY = outbox.Backoff(most=timedelta(minutes=5), slow_after=timedelta(days=3650), give_up_after=timedelta(days=3650))


def due() -> QuerySet[Escalation]:
    return Escalation.objects.filter(due_at__isnull=False)


def has_due(now: datetime) -> bool:
    return outbox.due(due(), now).exists()


def drain() -> None:
    """Take what is due, for at most BUDGET; what is left is woken again."""
    deadline = timezone.now() + BUDGET
    while timezone.now() < deadline:
        if not tick(timezone.now()):
            return
    outbox.source_named(clock.SOURCE).wake()


def tick(now: datetime) -> int:
    """Take the steps that are due at `now`, of some clocks; returns of how many."""
    claimed = outbox.claim(due(), limit=BATCH, lease=LEASE, now=now)
    for escalation in claimed:
        run(escalation, now)
    return len(claimed)


def run(escalation: Escalation, now: datetime) -> None:
    """Take the due steps of one claimed clock. A fault is logged, and the steps tried again later."""
    with structlog.contextvars.bound_contextvars(escalation=str(escalation.pk)):
        try:
            advance(escalation, now)
        except LeaseLost:
            log.info("escalation_lease_lost")
        except Exception:  # one clock that cannot go on must not hold up the others
            log.exception("escalation_failed", attempts=escalation.attempts)
            again = RETRY.next_at(escalation.attempts, now, now)
            outbox.postpone(escalation, again or now + RETRY.most)


class LeaseLost(Exception):
    """The task changed, or somebody else has the clock now; what was done is rolled back."""


@transaction.atomic
def advance(claimed: Escalation, now: datetime) -> list[StepRun]:
    """Take what is due at `now`, and reckon when the next is. Raises LeaseLost."""
    task = _locked_task(claimed.task_id)
    escalation = _locked(claimed)
    if not task.answerable:
        clock.end(task, now, "closed meanwhile")
        return []
    rules, done = rules_of(escalation.rules), clock.done(escalation)
    runs = []
    for occurrence, left_out in _due(escalation, rules, done, now):
        taken = left_out or _taken(Taking(escalation, task, rules, occurrence, now))
        runs.append(_record(escalation, occurrence, taken, now))
        done.add(occurrence.key)
    outbox.postpone(escalation, clock.next_due(escalation, rules, done), attempts=0)
    return runs


def _locked_task(task_id: Any) -> Task:
    tasks = Task.objects.select_related("engine", "case", "assignee__manager", "assignee__brand")
    return tasks.select_for_update(no_key=True, of=("self",)).get(pk=task_id)


def _locked(claimed: Escalation) -> Escalation:
    mine = Escalation.objects.select_related("rules").filter(pk=claimed.pk, lease_token=claimed.lease_token)
    escalation = mine.select_for_update(no_key=True, of=("self",)).first()
    if escalation is None:
        raise LeaseLost
    return escalation


# --- which of them ----------------------------------------------------------------------------------------------------
def _due(
    escalation: Escalation, rules: RuleSet, done: Collection[tuple[int, int]], now: datetime
) -> Iterator[tuple[Occurrence, Taken | None]]:
    """What is due, in order; with why it is left out, if so."""
    all_due = [each for each in rules.occurrences(escalation.deadline) if each.key not in done and each.at <= now]
    waiting = [each for each in all_due if not _came_too_late(each, escalation)]
    speaks = _speaks_for_all([each for each in waiting if each.step.kind == StepKind.NOTIFY], now)
    for each in all_due:
        if each not in waiting:
            yield each, Taken(RunResult.TOO_EARLY, "Its time was before the task came")
        elif each.step.kind == StepKind.NOTIFY and each not in speaks:
            yield each, Taken(RunResult.OVERTAKEN, f"Missed, and step {speaks[-1].step.position} tells of it")
        else:
            yield each, None


def _came_too_late(occurrence: Occurrence, escalation: Escalation) -> bool:
    """A reminder for which the task left no time. What is late already when it comes is told of all the same."""
    return occurrence.at < escalation.started_at and occurrence.at < escalation.deadline


def _speaks_for_all(messages: Sequence[Occurrence], now: datetime) -> list[Occurrence]:
    """The messages that are sent: all that are on time, or else the last of those who hear only when it is late."""
    on_time = [each for each in messages if now - each.at <= MISSED]
    if on_time or not messages:
        return on_time
    last = max(messages, key=lambda each: (each.step.target not in OWN, each.order))
    return [each for each in messages if each.at == last.at]


# --- taking them ------------------------------------------------------------------------------------------------------
def _taken(taking: Taking) -> Taken:
    """A step that fails again and again is given up, so that those after it come."""
    if taking.escalation.attempts < TRIES:
        return take(taking)
    try:
        with transaction.atomic():
            return take(taking)
    except Exception as fault:
        log.exception("step_given_up", step=taking.step.id)
        return Taken(RunResult.FAILED, f"{type(fault).__name__}: {fault}")


def _record(escalation: Escalation, occurrence: Occurrence, taken: Taken, now: datetime) -> StepRun:
    return StepRun.objects.create(
        escalation=escalation,
        step=occurrence.step.id,
        number=occurrence.number,
        due_at=occurrence.at,
        ran_at=now,
        result=taken.result,
        why=taken.why[:500],
        told=list(taken.told),
        event=taken.event,
    )


SOURCES = (outbox.Source(clock.SOURCE, "cluster", has_due, drain),)
