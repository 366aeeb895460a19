"""Simulations as text: policy with reason, calendar, due date, and each step with the people whom it would tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from escalations.admin.timeline import RESULT_TONES
from escalations.forecast.simulate import Row, Simulation
from escalations.kinds import wording
from escalations.kinds.base import StepDescription
from escalations.models import (
    CalendarOf,
    Clock,
    EscalationState,
    PersonCalendar,
    Policy,
    RunResult,
    TeamCalendar,
    TimeKind,
)
from escalations.policies.matching import PolicyFit, enabled, tried
from escalations.policies.rules import RuleSet
from notifications.admin.desk.display import Tone, change_url, exact, link, mark, short, span, with_why
from notifications.admin.ledger.timeline import Line, dry_lines
from notifications.admin.rules.conditions import condition_sentence
from notifications.models import Task
from notifications.reasons import Reason


@dataclass(frozen=True)
class ForeseenStep:
    """A step in the list, and its number in the picture. `at`: the instant at which it would be taken."""

    number: int
    at: datetime
    tone: Tone
    position: int
    """Its position among the policy's steps."""
    what: str
    result: str
    why: str
    recipients: list[Line]
    after: str
    """Time between the simulated instant and the step."""

    @property
    def clock(self) -> str:
        return short(self.at)

    @property
    def exact(self) -> str:
        return exact(self.at)


def steps(simulation: Simulation) -> list[ForeseenStep]:
    if simulation.rules is None:
        return []
    words = wording.of_rules(simulation.rules)
    spoken = [words[step.id] for step in simulation.rules.steps]
    return [_step(number, row, spoken, simulation.now) for number, row in enumerate(simulation.rows, 1)]


def _step(number: int, row: Row, spoken: list[StepDescription], now: datetime) -> ForeseenStep:
    step = spoken[row.position - 1] if row.position <= len(spoken) else None
    outcome = _("would reach nobody") if row.result == RunResult.NOBODY else str(RunResult(row.result).label)
    return ForeseenStep(
        number=number,
        at=max(row.at, now),
        tone=RESULT_TONES[row.result],
        position=row.position,
        what=wording.numbered(step, row.number) if step else _("a step"),
        result="" if row.result == RunResult.DONE else outcome,
        why=row.why.words(),
        recipients=dry_lines({"recipients": row.told}, "") if row.told else [],
        after=_("in %(span)s") % {"span": span(row.at - now)} if row.at > now else _("at once"),
    )


# --- facts ------------------------------------------------------------------------------------------------------------
Fact = tuple[str, SafeString | str]


def facts(simulation: Simulation, task: Task, is_stored: bool) -> list[Fact]:
    """Return the facts that the simulation is based on. `is_stored`: the task is in the database, and has a page."""
    task_cell = link(task) if is_stored else str(task)
    rows: list[Fact] = [(_("Task"), task_cell), (_("As if it were"), exact(simulation.now))]
    rules = simulation.rules
    if rules is None or simulation.deadline is None:
        return rows
    late = simulation.now - simulation.deadline
    text = (_("late by %(span)s") if late > timedelta() else _("in %(span)s")) % {"span": span(late)}
    due = with_why(mark("bad" if late > timedelta() else "quiet", text), exact(simulation.deadline))
    rows.append((_("Due"), due))
    rows.append((_("Calendar"), whose_calendar(rules, task)))
    if simulation.state != EscalationState.RUNNING:
        rows.append((_("State"), str(EscalationState(simulation.state).label)))
    return rows


def counts_working_time(rules: RuleSet) -> bool:
    if rules.calendar is None:
        return False
    runs_in_it = rules.clock == Clock.DURATION and rules.time == TimeKind.BUSINESS
    return runs_in_it or any(step.time == TimeKind.BUSINESS for step in rules.steps)


def whose_calendar(rules: RuleSet, task: Task) -> str:
    if not counts_working_time(rules):
        return _("none: this policy counts around the clock")
    name = rules.calendar_name
    calendar_of = Policy.objects.filter(name=rules.name).values_list("calendar_of", flat=True).first()
    theirs = PersonCalendar.objects.filter(recipient=task.assignee_id, calendar__name=name)
    if calendar_of == CalendarOf.ASSIGNEE and theirs.exists():
        return _("“%(calendar)s”, the calendar of %(name)s") % {"calendar": name, "name": task.assignee}
    if calendar_of in (CalendarOf.ASSIGNEE, CalendarOf.TEAM):
        rows = TeamCalendar.objects.filter(calendar__name=name).select_related("team").order_by("team__name")
        row = rows.filter(team__tasks=task.pk).first()
        if row is None and task.assignee_id:
            row = rows.filter(team__members=task.assignee_id).first()
        if row is not None:
            return _("“%(calendar)s”, the calendar of the team %(name)s") % {"calendar": name, "name": row.team}
    return _("“%(calendar)s”, the calendar of the policy") % {"calendar": name}


# --- policies ---------------------------------------------------------------------------------------------------------
def policy_lines(simulation: Simulation, task: Task) -> Iterator[Line]:
    """Yield lines for the policy that the clock follows, and for earlier policies the reasons why they do not fit."""
    looked_at = list(tried(task, enabled()))
    fitting = next((each for each in looked_at if each.fits), None)
    others = [each for each in looked_at if not each.fits]
    rules = simulation.rules
    if rules is None:
        yield from _without_clock(fitting)
    elif fitting is not None and str(fitting.policy) == rules.name:
        reason = wording.fits(fitting.policy, map(condition_sentence, fitting.policy.conditions.all()))
        yield _policy_line(_("policy “%(name)s” applies to: %(reason)s"), fitting.policy, "ok", reason)
    else:
        # Only the reason, without the policy's name that is stored with it.
        part = simulation.why.argument("reason")
        why = part.words() if isinstance(part, Reason) else simulation.why.words()
        text = _("policy “%(name)s” applied when the clock started: %(reason)s")
        yield Line(text % {"name": rules.name, "reason": why}, "ok")
        if fitting is not None:
            yield Line(_("a new task would follow “%(name)s”") % {"name": fitting.policy}, "wait")
    if others:
        form = _("policy “%(name)s”: %(reason)s")
        lines = [_policy_line(form, each.policy, "quiet", each.reason.words()) for each in others]
        count = _("policies checked before that do not match: %(count)d") % {"count": len(lines)}
        yield Line(count, "quiet", below=lines, folded=rules is not None)


def _without_clock(fitting: PolicyFit | None) -> Iterator[Line]:
    yield Line(_("no clock is running, so time notifies nobody"), "bad")
    if fitting is None:
        yield Line(_("no policy matches"), "quiet")
    else:
        text = _("policy “%(name)s” matches now, but not when the task was created: a task keeps its policy")
        yield _policy_line(text, fitting.policy, "wait")


def _policy_line(form: str, policy: Policy, tone: Tone, reason: str = "") -> Line:
    """Return a line that leads to the policy's page."""
    return Line(form % {"name": policy, "reason": reason}, tone, href=change_url(policy))


def why_no_steps(simulation: Simulation) -> str:
    """Return why there are no steps; empty if there are some."""
    if simulation.rules is None or simulation.rows:
        return ""
    if simulation.state == EscalationState.PAUSED:
        return _("The clock is paused until the question is answered. Until then, nobody is notified.")
    if simulation.state == EscalationState.STOPPED:
        return _("The task is acknowledged, and this policy notifies nobody after that.")
    return _("No steps are left: all were taken, or the policy has none.")
