"""Policies and steps as text, such as “1 h before due, working time: remind the assignee”."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalations.kinds import KINDS
from escalations.kinds.base import StepDescription
from escalations.models import Clock, Policy, PolicyStep, TimeKind
from escalations.policies.rules import RuleSet, Step
from notifications.feature_targets import named_row
from notifications.models import Recipient, Team

A_MINUTE = timedelta(minutes=1)


def of_row(step: PolicyStep) -> StepDescription:
    return _describe(
        step, step.offset, step.repeat_every or 0, step.team, step.person, named_row(step.target, step.ref)
    )


def of_rules(rules: RuleSet) -> dict[int, StepDescription]:
    """Return descriptions of the steps that a clock follows, by their ids."""
    teams = Team.objects.in_bulk([step.team for step in rules.steps if step.team])
    people = Recipient.objects.in_bulk([step.person for step in rules.steps if step.person])
    descriptions = {}
    for step in rules.steps:
        named = teams.get(step.team or 0), people.get(step.person or 0), named_row(step.target or "", step.ref)
        descriptions[step.id] = _describe(step, step.offset // A_MINUTE, step.repeat_every // A_MINUTE, *named)
    return descriptions


def _describe(
    step: PolicyStep | Step, offset: int, again: int, team: Team | None, person: Recipient | None, row: Model | None
) -> StepDescription:
    return StepDescription(
        kind=step.kind,
        offset=offset,
        time=step.time,
        repeat_every=again,
        repeats=step.repeats,
        target=step.target or "",
        level=step.level,
        team=team.name if team else "",
        person=str(person or ""),
        row=str(row or ""),
        priority=step.priority,
    )


# --- sentences --------------------------------------------------------------------------------------------------------
def sentence(step: StepDescription, usual: str = TimeKind.WALL) -> str:
    """Return the step as text. `usual`: the kind of time that is not mentioned."""
    return _("%(when)s: %(what)s") % {"when": when(step, usual), "what": what(step)} + again(step)


def numbered(step: StepDescription, number: int) -> str:
    """Return one occurrence in a list as text: the first time (number 0), or a repetition."""
    once = _("%(when)s: %(what)s") % {"when": when(step, TimeKind.WALL), "what": what(step)}
    if not number:
        return once
    return _("%(step)s (again, %(number)d of %(times)d)") % {"step": once, "number": number, "times": step.repeats}


def when(step: StepDescription, usual: str) -> str:
    form = _("%(span)s before due") if step.offset < 0 else _("%(span)s after due")
    moment = form % {"span": duration(abs(step.offset))} if step.offset else _("when due")
    if step.time == usual:
        return moment
    return _("%(when)s, %(time)s") % {"when": moment, "time": TimeKind(step.time).label}


def what(step: StepDescription) -> str:
    return KINDS[step.kind].says(step)


def again(step: StepDescription) -> str:
    """Return the repetition as text, with a comma before it; empty for a step without one."""
    if not step.repeats or not step.repeat_every:
        return ""
    text = ngettext(", once more after %(span)s", ", again every %(span)s, %(times)d times", step.repeats)
    return text % {"span": duration(step.repeat_every), "times": step.repeats}


def due(policy: Policy) -> str:
    """Return when a task is due by the policy, as text."""
    if policy.clock == Clock.DUE:
        return _("the engine's due date")
    placeholders = {"span": duration(policy.minutes or 0), "time": policy.get_time_display()}
    return _("%(span)s after the assignment, %(time)s") % placeholders


def due_in_short(policy: Policy) -> str:
    """Return when a task is due by the policy, in few words for a table."""
    if policy.clock == Clock.DUE:
        return due(policy)
    return _("%(when)s, %(time)s") % {"when": duration(policy.minutes or 0), "time": policy.get_time_display()}


def fits(policy: Policy, conditions: Iterable[object]) -> str:
    """Return the tasks that a policy fits, as text."""
    engine = [_("from %(engine)s") % {"engine": policy.engine}] if policy.engine else []
    return ", ".join([*engine, *map(str, conditions)]) or _("every task")


def duration(minutes: int) -> str:
    """Return the exact duration, such as 1 d 2 h 30 min. A day has 24 hours."""
    return _units(minutes // 1440, minutes % 1440)


def hours(minutes: int) -> str:
    """Return the exact duration without days, such as 40 h."""
    return _units(0, minutes)


def _units(days: int, minutes: int) -> str:
    counts = ((days, _("%(count)d d")), (minutes // 60, _("%(count)d h")))
    parts = [form % {"count": count} for count, form in counts if count]
    if minutes % 60 or not parts:
        parts.append(_("%(count)d min") % {"count": minutes % 60})
    return " ".join(parts)
