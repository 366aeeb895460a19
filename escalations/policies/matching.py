"""Finds the policy and the calendar of a task, with the reason, and the calendars of people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from escalations import reasons
from escalations.models import BusinessCalendar, CalendarOf, Clock, PersonCalendar, Policy, Rules, TeamCalendar
from escalations.policies.rules import rules_row
from notifications.cases.facts import facts_of_task
from notifications.models import Task, Team
from notifications.preferences.quiet_hours import OnHolidays
from notifications.reasons import NOTHING, Reason
from notifications.routing.conditions import all_of, holds, why_not
from notifications.types import Json, lookup
from wfpush.postgres.bulk import AT_ONCE, Writes
from wfpush.postgres.revision import Compiled


@dataclass(frozen=True)
class PolicyFit:
    """A policy, and the reason why it fits or does not."""

    policy: Policy
    fits: bool
    reason: Reason

    @property
    def why(self) -> Reason:
        return reasons.POLICY(policy=self.policy, reason=self.reason)


@dataclass(frozen=True)
class Match:
    policy: int
    rules: Rules
    why: Reason


def policy_for(task: Task, writes: Writes = AT_ONCE) -> Match | None:
    """Return the first enabled policy that fits now. `writes` may still hold the task and its teams as unsaved rows."""
    match = first(task, enabled())
    if match is None:
        return None
    return Match(match.policy.pk, _rules(match.policy, calendar_for(match.policy, task, writes), writes), match.why)


@dataclass(frozen=True)
class _Policies:
    """The enabled policies in their order, the calendars of people and teams, and the rules of clocks."""

    policies: Sequence[Policy]
    of_people: Mapping[int, BusinessCalendar]
    of_teams: Mapping[int, BusinessCalendar]
    rules: dict[tuple[int, int | None], Rules] = field(default_factory=dict)
    """Rows by policy and calendar. Filled when clocks begin."""


def _read() -> _Policies:
    policies = Policy.objects.filter(enabled=True).prefetch_related("conditions", "steps")
    people = PersonCalendar.objects.select_related("calendar").prefetch_related("calendar__days")
    teams = TeamCalendar.objects.select_related("calendar").prefetch_related("calendar__days")
    return _Policies(
        list(policies.select_related("calendar", "engine")),
        {each.recipient_id: each.calendar for each in people},
        {each.team_id: each.calendar for each in teams},
    )


_COMPILED = Compiled(_read)


def enabled() -> Sequence[Policy]:
    """Return the enabled policies in the order in which they are tried."""
    return _COMPILED.get().policies


def _rules(policy: Policy, calendar: BusinessCalendar | None, writes: Writes) -> Rules:
    """Return the row of rules, from the cache if an earlier clock's was committed."""
    cached, key = _COMPILED.get().rules, (policy.pk, calendar.pk if calendar is not None else None)

    def find() -> Rules:
        row = rules_row(policy, calendar)
        transaction.on_commit(lambda: cached.setdefault(key, row))
        return row

    return cached[key] if key in cached else writes.once((Rules, key), find)


def first(task: Task, policies: Iterable[Policy]) -> PolicyFit | None:
    return next((each for each in tried(task, policies) if each.fits), None)


def tried(task: Task, policies: Iterable[Policy]) -> Iterator[PolicyFit]:
    """Yield the policies in order, up to the first that fits."""
    facts = facts_of_task(task, task.case)
    for policy in policies:
        reason = _why_not(policy, task, facts)
        conditions = policy.conditions.all()
        yield PolicyFit(policy, not reason, reason or (all_of(conditions) if conditions else reasons.FITS_ALL()))
        if not reason:
            return


def _why_not(policy: Policy, task: Task, facts: Json) -> Reason:
    if policy.engine_id is not None and policy.engine_id != task.engine_id:
        return reasons.OTHER_ENGINE()
    for condition in policy.conditions.all():
        if not holds(condition, facts):
            return why_not(condition, lookup(facts, condition.path))
    if policy.clock == Clock.DUE and task.due_at is None:
        return reasons.NO_DUE_DATE()
    return NOTHING


# --- calendars --------------------------------------------------------------------------------------------------------
def calendar_for(policy: Policy, task: Task, writes: Writes = AT_ONCE) -> BusinessCalendar | None:
    """Return the calendar of the assignee, the team or the policy itself, as the policy's `calendar_of` says."""
    cached, calendar = _COMPILED.get(), None
    if policy.calendar_of == CalendarOf.ASSIGNEE and task.assignee_id is not None:
        calendar = cached.of_people.get(task.assignee_id)
    if calendar is None and policy.calendar_of in (CalendarOf.ASSIGNEE, CalendarOf.TEAM):
        calendar = _of_team(task, cached.of_teams, writes)
    return calendar or policy.calendar


def _of_team(task: Task, calendars: Mapping[int, BusinessCalendar], writes: Writes) -> BusinessCalendar | None:
    """Return the calendar of the first of the task's teams that has one, or else of the assignee's teams."""
    if not calendars:
        return None
    with_calendar = Team.objects.filter(pk__in=calendars).order_by("name")
    if task._state.adding:
        own = [row.team_id for row in writes.waiting(Task.teams.through) if row.task_id == task.pk]
        team = with_calendar.filter(pk__in=own).first() if own else None
    else:
        team = with_calendar.filter(tasks=task).first()
    if team is None and task.assignee_id is not None:
        team = with_calendar.filter(members=task.assignee_id).first()
    return calendars[team.pk] if team is not None else None


def holidays_of(people: Sequence[int]) -> dict[int, OnHolidays]:
    """Return the holidays of people, by the person's pk."""
    readings = {person: calendar.reckoning_or_none() for person, calendar in calendars_of(people).items()}
    return {person: reading.data.is_holiday for person, reading in readings.items() if reading is not None}


def calendars_of(people: Sequence[int]) -> dict[int, BusinessCalendar]:
    """Return the calendars of people, by the person's pk. Of several teams with a calendar the first by slug counts."""
    by_person: dict[int, BusinessCalendar] = {}
    members = Team.members.through.objects.filter(recipient__in=people, team__working_time__isnull=False)
    teams = list(members.order_by("-team__slug").values_list("recipient_id", "team_id"))
    working = TeamCalendar.objects.select_related("calendar").prefetch_related("calendar__days")
    calendars = {row.team_id: row.calendar for row in working.filter(team__in={team for _, team in teams})}
    by_person |= {person: calendars[team] for person, team in teams}
    own = PersonCalendar.objects.select_related("calendar").prefetch_related("calendar__days")
    return by_person | {row.recipient_id: row.calendar for row in own.filter(recipient__in=people)}
