"""The clock of a task. Changes of the task begin, pause, hold, move and end it (notifications/cases/lifecycle.py).

Called synchronously in the transaction that changes the task, whose row is locked. Nothing here may raise because of a
faulty configuration: the task's own event would be lost.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from escalations import reasons
from escalations.calendars.working_time import BadCalendar, NoWorkingTime
from escalations.models import OVER, Clock, Escalation, EscalationState, OnAcknowledge, StepRun
from escalations.policies import matching
from escalations.policies.rules import Occurrence, RuleSet, rules_of
from notifications.cases import lifecycle
from notifications.models import Recipient, Task, TaskState
from notifications.reasons import NOTHING, Reason, read
from wfpush.postgres.bulk import AT_ONCE, Writes
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "escalations"


def observe(
    moment: lifecycle.Moment, task: Task, *, by: Recipient | None, now: datetime, writes: Writes = AT_ONCE
) -> None:
    MOMENTS[moment](task, now, writes)


def look_up(tasks: Sequence[Task], writes: Writes) -> None:
    """Read the clocks of these tasks, for later calls in the same transaction."""
    by_task: dict[UUID, list[Escalation]] = {task.pk: [] for task in tasks}
    for escalation in Escalation.objects.filter(task__in=by_task).order_by("-id"):
        by_task[escalation.task_id].append(escalation)
    for pk, mine in by_task.items():
        writes.once((Escalation, pk), partial(list, mine))


def _clocks(task: Task, writes: Writes) -> Sequence[Escalation]:
    """Return the task's clocks, the newest first. They cannot change while the task is locked."""
    return writes.once((Escalation, task.pk), lambda: list(Escalation.objects.filter(task=task).order_by("-id")))


# --- beginning and end ------------------------------------------------------------------------------------------------
def begin(task: Task, now: datetime, writes: Writes = AT_ONCE) -> None:
    """Begin a clock by the first policy that fits; without one, do nothing."""
    match = matching.policy_for(task, writes)
    if match is None:
        return
    escalation = Escalation(
        task=task,
        policy_id=match.policy,
        rules=match.rules,
        started_at=now,
        due_named=task.due_at,
        why_fact=match.why.as_json(),
    )
    try:
        rules = rules_of(escalation)
    except BadCalendar as fault:  # the desk saves no such policy
        log.error("calendar_cannot_be_read", policy=match.policy, fault=str(fault))
        return
    deadline = _deadline(rules, now, task)
    if deadline is None:
        return
    escalation.deadline = deadline
    if rules.pauses and task.state == TaskState.INFO_REQUESTED:
        escalation.state, escalation.paused_at = EscalationState.PAUSED, now
    escalation.make_due(next_due(escalation, rules.occurrences(deadline), set()))
    writes.insert(escalation)
    show(task, escalation, writes)
    _wake_if_due(escalation, now)


def _deadline(rules: RuleSet, now: datetime, task: Task) -> datetime | None:
    try:
        return rules.deadline(now, task.due_at)
    except NoWorkingTime:
        log.error("calendar_without_working_time", calendar=rules.calendar_name, policy=rules.name)
        return now + rules.duration  # too early is better than never


def _opened(task: Task, now: datetime, writes: Writes) -> None:
    """Begin the clock of a new task. An event before the assignment may have begun it already; then it goes on."""
    if task._state.adding:
        begin(task, now, writes)
    else:
        _changed(task, now, writes)


def _reassigned(task: Task, now: datetime, writes: Writes) -> None:
    """End the clock and begin a new one: a new assignee has the whole time."""
    end(task, now, reasons.GIVEN_AWAY(), writes)
    task.escalated, task.sla_due_at = [], None
    writes.update(task, "escalated", "sla_due_at", "updated_at")
    begin(task, now, writes)


CLOSED_BECAUSE = {
    TaskState.COMPLETED: reasons.CLOSED_IN_ENGINE,
    TaskState.CANCELLED: reasons.CANCELLED_IN_ENGINE,
    TaskState.EXPIRED: reasons.CLOCK_EXPIRED,
}


def end(task: Task, now: datetime, reason: Reason, writes: Writes = AT_ONCE) -> None:
    writes.gather(_end_all, (task.pk, now, reason))


def _end_all(ends: Sequence[tuple[UUID, datetime, Reason]]) -> None:
    groups: dict[tuple[datetime, Reason], list[UUID]] = {}
    for task, now, reason in ends:
        groups.setdefault((now, reason), []).append(task)
    for (now, reason), tasks in groups.items():
        running = Escalation.objects.filter(task__in=tasks).exclude(state=EscalationState.CLOSED)
        outbox.finish_all(running, state=EscalationState.CLOSED, ended_at=now, end_reason_fact=reason.as_json())


def _reopened(task: Task, now: datetime, writes: Writes) -> None:
    """Restore the clock after the engine refused the answer. The time in between counts."""
    last = next(iter(_clocks(task, writes)), None)
    if last is None:
        begin(task, now, writes)
    elif read(last, "end_reason").code != reasons.NO_POLICY.name:
        state, reason = _state_before(last, task)
        held = None if task.state == TaskState.OPEN else last.held_until  # an open task is not acknowledged any more
        _apply(last, now, writes, state=state, ended_at=None, held_until=held, end_reason_fact=reason.as_json())


def _state_before(escalation: Escalation, task: Task) -> tuple[EscalationState, Reason]:
    """Return the clock's state before the answer, with the reason if it stands still."""
    if task.state == TaskState.INFO_REQUESTED and escalation.paused_at is not None:
        return EscalationState.PAUSED, NOTHING
    if task.state == TaskState.ACKNOWLEDGED and rules_of(escalation).on_acknowledge == OnAcknowledge.STOPS:
        return EscalationState.STOPPED, reasons.ACKNOWLEDGED()
    return EscalationState.RUNNING, NOTHING


# --- under way --------------------------------------------------------------------------------------------------------
def _running(task: Task, writes: Writes) -> Escalation | None:
    return next((each for each in _clocks(task, writes) if each.state not in OVER), None)


def _changed(task: Task, now: datetime, writes: Writes) -> None:
    """Follow a due date that the engine set or changed, even if an acknowledgement has stopped the clock."""
    clocks = _clocks(task, writes)
    escalation = next((each for each in clocks if each.state != EscalationState.CLOSED), None)
    if escalation is None:
        if not clocks:
            begin(task, now, writes)
        return
    rules = rules_of(escalation)
    if rules.clock == Clock.DUE and task.due_at is not None and task.due_at != escalation.due_named:
        _apply(escalation, now, writes, deadline=task.due_at, due_named=task.due_at)
        show(task, escalation, writes)


def _acknowledged(task: Task, now: datetime, writes: Writes) -> None:
    escalation = _running(task, writes)
    if escalation is None:
        return
    rules = rules_of(escalation)
    if rules.on_acknowledge == OnAcknowledge.STOPS:
        _apply(escalation, now, writes, state=EscalationState.STOPPED, end_reason_fact=reasons.ACKNOWLEDGED().as_json())
    elif rules.on_acknowledge == OnAcknowledge.HOLDS and escalation.held_until is None:
        try:
            _apply(escalation, now, writes, held_until=rules.held_until(now))
        except NoWorkingTime:
            log.error("calendar_without_working_time", calendar=rules.calendar_name, policy=rules.name)


def _paused(task: Task, now: datetime, writes: Writes) -> None:
    escalation = _running(task, writes)
    if escalation is not None and escalation.paused_at is None and rules_of(escalation).pauses:
        _apply(escalation, now, writes, state=EscalationState.PAUSED, paused_at=now)


def _resumed(task: Task, now: datetime, writes: Writes) -> None:
    escalation = _running(task, writes)
    if escalation is None or escalation.paused_at is None:
        return
    rules = rules_of(escalation)
    pause = rules.passed(escalation.paused_at, now)
    _apply(
        escalation,
        now,
        writes,
        state=EscalationState.RUNNING,
        paused_at=None,
        deadline=rules.later(escalation.deadline, pause),
        held_until=rules.later(escalation.held_until, pause) if escalation.held_until else None,
    )
    show(task, escalation, writes)


ANSWERED = reasons.ANSWERED()

MOMENTS: dict[lifecycle.Moment, Callable[[Task, datetime, Writes], None]] = {
    "opened": _opened,
    "changed": _changed,
    "reassigned": _reassigned,
    "acknowledged": _acknowledged,
    "paused": _paused,
    "resumed": _resumed,
    "answered": lambda task, now, writes: end(task, now, ANSWERED, writes),
    "reopened": _reopened,
    "closed": lambda task, now, writes: end(
        task, now, CLOSED_BECAUSE.get(TaskState(task.state), reasons.CLOSED)(), writes
    ),
}


# --- next step --------------------------------------------------------------------------------------------------------
def next_due(escalation: Escalation, occurrences: Sequence[Occurrence], done: set[tuple[int, int]]) -> datetime | None:
    """Return when the first step that is not done is due; None if there is none, or the clock does not run."""
    if escalation.state != EscalationState.RUNNING:
        return None
    left = [each for each in occurrences if each.key not in done]
    return max(left[0].at, escalation.held_until or left[0].at) if left else None


def is_paused(task: Task, writes: Writes = AT_ONCE) -> bool:
    """Return whether a question has paused the task's clock."""
    escalation = _running(task, writes)
    return escalation is not None and escalation.state == EscalationState.PAUSED


def done(escalation: Escalation) -> set[tuple[int, int]]:
    """Return the steps that were taken, or left out for good."""
    return done_of([escalation])[escalation.pk]


def done_of(escalations: Iterable[Escalation]) -> dict[UUID, set[tuple[int, int]]]:
    """Return the steps that were taken or left out, by the ids of the clocks."""
    done: dict[UUID, set[tuple[int, int]]] = {each.pk: set() for each in escalations}
    for pk, *key in StepRun.objects.filter(escalation__in=done).values_list("escalation_id", "step", "number"):
        done[pk].add((key[0], key[1]))
    return done


def _apply(escalation: Escalation, now: datetime, writes: Writes, **fields: object) -> None:
    """Change the clock, and compute its next step again. A worker that is taking a step of it loses the lease."""
    for name, value in fields.items():
        setattr(escalation, name, value)
    occurrences = rules_of(escalation).occurrences(escalation.deadline)
    moved = escalation.make_due(next_due(escalation, occurrences, done(escalation)))
    writes.update(escalation, *fields, *moved)
    _wake_if_due(escalation, now)


def _wake_if_due(escalation: Escalation, now: datetime) -> None:
    """Wake a worker if the clock is due now. The ticker finds later ones."""
    if escalation.due_at is not None and escalation.due_at <= now:
        outbox.wake_on_commit(SOURCE_NAME)


def show(task: Task, escalation: Escalation | None, writes: Writes = AT_ONCE) -> None:
    """Set the task's due date to the clock's, or to none without a clock. The caller updates the copies: the pipeline
    rewords them; others set it with their changes, or call `inbox_items.show_deadlines`."""
    deadline = escalation.deadline if escalation is not None else None
    if task.sla_due_at != deadline:
        task.sla_due_at = deadline
        writes.update(task, "sla_due_at", "updated_at")
