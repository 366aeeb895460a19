"""Applies edited policies to open clocks, if the administrator chose so.

Clocks are marked and made due: the worker that claims one reads its rules again before anything else
(escalations/clocks/due_steps.py). Time that has passed and pauses still count, and no step is taken twice.
"""

from datetime import datetime

import structlog

from escalations import reasons
from escalations.calendars.working_time import BadCalendar, NoWorkingTime
from escalations.clocks import clock
from escalations.models import Escalation, EscalationState, OnAcknowledge, Policy
from escalations.policies import matching
from escalations.policies.rules import RuleSet, rules_of
from notifications.models import Task, TaskState
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

OPEN = (EscalationState.RUNNING, EscalationState.PAUSED)
CHANGED = ["policy", "rules", "why_fact", "deadline", "due_named", "state", "paused_at", "held_until"]


def mark(policy: Policy, now: datetime) -> int:
    """Mark all open clocks of the policy, and return their number. A step that is being taken follows the old rules."""
    clocks = Escalation.objects.filter(policy=policy, ended_at=None, state__in=OPEN)
    count = outbox.make_due(clocks, now, anew=True)
    if count:
        outbox.wake_on_commit(clock.SOURCE_NAME)
    return count


def reread(escalation: Escalation, task: Task, now: datetime) -> None:
    """Give the clock the present rules; if no policy fits its task any more, end it. The task is locked."""
    match = matching.policy_for(task)
    if match is None:
        clock.end(task, now, reasons.NO_POLICY())
        clock.show(task, None)
        return
    before, former = rules_of(escalation), escalation.rules_id
    escalation.rules = match.rules
    try:
        after = rules_of(escalation)
    except BadCalendar as fault:  # the desk saves no such policy
        log.error("calendar_cannot_be_read", policy=match.policy, fault=str(fault))
        escalation.rules_id, after = former, before
    else:
        escalation.policy_id = match.policy
        escalation.why_fact = match.why.as_json()
        adapt(escalation, task, before, after, now)
    escalation.anew = False
    escalation.save(update_fields=[*CHANGED, "end_reason_fact", "anew"])
    clock.show(task, escalation)


def adapt(escalation: Escalation, task: Task, before: RuleSet, after: RuleSet, now: datetime) -> None:
    """Change the clock as if it had begun with the rules `after`. Saves nothing."""
    escalation.deadline = _deadline(escalation, task, before, after)
    escalation.due_named = task.due_at
    if after.on_acknowledge != OnAcknowledge.HOLDS:
        escalation.held_until = None
    if task.state == TaskState.ACKNOWLEDGED and after.on_acknowledge == OnAcknowledge.STOPS:
        escalation.state = EscalationState.STOPPED
        escalation.end_reason_fact = reasons.ACKNOWLEDGED().as_json()
    elif task.state == TaskState.INFO_REQUESTED and after.pauses and escalation.paused_at is None:
        escalation.state, escalation.paused_at = EscalationState.PAUSED, now
    elif escalation.paused_at is not None and not after.pauses:
        escalation.deadline = after.later(escalation.deadline, before.passed(escalation.paused_at, now))
        escalation.state, escalation.paused_at = EscalationState.RUNNING, None


def _deadline(escalation: Escalation, task: Task, before: RuleSet, after: RuleSet) -> datetime:
    """Return the new deadline, moved by as much as pauses have moved the old one."""
    try:
        old = before.deadline(escalation.started_at, escalation.due_named)
        new = after.deadline(escalation.started_at, task.due_at)
    except NoWorkingTime:
        return escalation.deadline
    if old is None or new is None:
        return escalation.deadline
    return after.later(new, before.passed(old, escalation.deadline))
