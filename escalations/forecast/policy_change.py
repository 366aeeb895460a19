"""The effect of an edited policy on open tasks, shown before the policy is saved.

Clocks keep their rules unless they are given the new ones (escalations/clocks/policy_reload.py). Computed by the
clock's own code in the transaction with the change, which the caller rolls back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from escalations.calendars.working_time import BadCalendar
from escalations.clocks import clock, policy_reload
from escalations.kinds import KINDS
from escalations.models import Escalation, EscalationState, Policy
from escalations.policies import matching
from escalations.policies.rules import RuleSet, Step, read, rules_of, written
from notifications.models import ANSWERABLE, Task

MAX_CLOCKS = 1_000
"""The most clocks of the policy that are checked, those due first. The same limit holds for clocks of other policies,
and for tasks without a clock."""


class Turn(StrEnum):
    SOONER = "sooner"
    LATER = "later"
    NEVER = "never"
    FIRST = "first"
    """No step was to come, and now there is one."""
    OTHERWISE = "otherwise"
    """The first step is at the same time, but something else differs: people, text, or later steps."""


@dataclass(frozen=True)
class Change:
    """The effect on one open task. `before` and `after`: the instant of its next step; None: never."""

    task: Task
    turn: Turn
    before: datetime | None
    after: datetime | None


@dataclass
class Effect:
    """The effect on open tasks. `clocks`: those of the policy, at most `MAX_CLOCKS + 1`. `joining`: tasks that now
    fit it."""

    policy: Policy
    clocks: int = 0
    changes: list[Change] = field(default_factory=list)
    joining: int = 0

    @property
    def counts(self) -> Counter[Turn]:
        return Counter(change.turn for change in self.changes)


Ahead = tuple[datetime, Step, int]


def of_policy(policy: Policy, now: datetime) -> Effect:
    """Return the effects of the policy as it is in this transaction."""
    policies, rules_cache = matching.enabled(), _RulesCache()
    clocks = Escalation.objects.filter(ended_at=None, state__in=policy_reload.OPEN).select_related(
        "rules", "task__case", "task__engine"
    )
    mine = list(clocks.filter(policy=policy).order_by("deadline")[: MAX_CLOCKS + 1])
    effect = Effect(policy, len(mine))
    done = clock.done_of(mine)
    for escalation in mine[:MAX_CLOCKS]:
        match = matching.first(escalation.task, policies)
        rules = rules_cache.rules(match.policy, escalation.task) if match else None
        effect.changes += _change(escalation, rules, done[escalation.pk], now)
    others = [each.task for each in clocks.exclude(policy=policy).order_by("deadline")[:MAX_CLOCKS]]
    never_had_one = Task.objects.filter(state__in=ANSWERABLE, escalations=None).select_related("case", "engine")
    others += never_had_one.order_by("-id")[:MAX_CLOCKS]
    matches = (matching.first(task, policies) for task in others)
    effect.joining = sum(match is not None and match.policy.pk == policy.pk for match in matches)
    return effect


class _RulesCache:
    """A cache of rules as they would be stored. Each is read once."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, int | None], RuleSet | None] = {}

    def rules(self, policy: Policy, task: Task) -> RuleSet | None:
        calendar = matching.calendar_for(policy, task)
        key = (policy.pk, calendar.pk if calendar else None)
        if key not in self._read:
            try:
                self._read[key] = read(written(policy, calendar))
            except BadCalendar:
                self._read[key] = None
        return self._read[key]


# --- one task ---------------------------------------------------------------------------------------------------------
def _change(
    escalation: Escalation, after: RuleSet | None, done: set[tuple[int, int]], now: datetime
) -> Iterable[Change]:
    old = rules_of(escalation)
    is_now = _steps_ahead(escalation, old, done, now)
    would_be: list[Ahead] = []
    if after is not None:
        adapted = copy(escalation)
        policy_reload.adapt(adapted, escalation.task, old, after, now)
        would_be = _steps_ahead(adapted, after, done, now)
    turn = _turn(is_now, would_be)
    if turn is not None:
        yield Change(escalation.task, turn, _first(is_now), _first(would_be))


def _steps_ahead(escalation: Escalation, rules: RuleSet, done: set[tuple[int, int]], now: datetime) -> list[Ahead]:
    """Return the steps to come with time and repetition, as if a paused clock went on now. Steps lack id and
    position."""
    if escalation.state == EscalationState.STOPPED:
        return []
    earliest = max(now, escalation.held_until or now)
    return [
        (max(each.at, earliest), replace(each.step, id=0, position=0), each.number)
        for each in rules.occurrences(escalation.deadline)
        if each.key not in done and not KINDS[each.step.kind].came_too_late(each, escalation)
    ]


def _turn(before: Sequence[Ahead], after: Sequence[Ahead]) -> Turn | None:
    old, new = _first(before), _first(after)
    if old is None or new is None:
        return None if old == new else Turn.NEVER if new is None else Turn.FIRST
    if old != new:
        return Turn.SOONER if new < old else Turn.LATER
    return None if before == after else Turn.OTHERWISE


def _first(ahead: Sequence[Ahead]) -> datetime | None:
    return ahead[0][0] if ahead else None
