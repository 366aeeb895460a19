"""Whom a step tells, and why.

Whoever is away is replaced by their delegate. Where nobody is left, the fallback owner hears.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from escalations import reasons
from escalations.models import StepTarget
from escalations.policies.rules import RuleSet, Step
from notifications.models import Recipient, Task, Team
from notifications.people.absence import away_at, stand_ins
from notifications.reasons import (
    ASSIGNEE,
    CANDIDATE,
    DELEGATE,
    FALLBACK,
    LEAD,
    MANAGER,
    MANAGER_OF_LEVEL,
    MEMBER,
    Reason,
    joined,
)

People = Iterable[tuple[Recipient, Reason]]


@dataclass
class Staff:
    """Who is away at an instant: asked once for many steps."""

    now: datetime

    @cached_property
    def away(self) -> frozenset[int]:
        return frozenset(away_at(self.now).values_list("recipient_id", flat=True))

    def stand_ins(self, people: Sequence[Recipient]) -> dict[int, Recipient]:
        return stand_ins(people, self.now) if any(person.pk in self.away for person in people) else {}

    def is_out(self, person: Recipient) -> bool:
        """Away, and nobody stands in."""
        return person.pk in self.away and not self.stand_ins([person])


@dataclass
class Search:
    """For one step. `notes` says whom it did not find, and why."""

    task: Task
    step: Step
    staff: Staff
    notes: list[Reason] = field(default_factory=list)

    def can_be_told(self, person: Recipient) -> bool:
        """Says why not."""
        if not person.active:
            self.notes.append(reasons.LEFT(name=person))
        elif self.staff.is_out(person):
            self.notes.append(reasons.AWAY(name=person))
        else:
            return True
        return False


@dataclass(frozen=True)
class Found:
    """A person to tell. `on_behalf_of` is away."""

    recipient: Recipient
    reason: Reason
    on_behalf_of: Recipient | None = None


def whom(search: Search, rules: RuleSet) -> list[Found]:
    """Each person once; empty where there is not even a fallback owner."""
    found = reached(search)
    if found or rules.fallback is None:
        return found
    owner = Recipient.objects.select_related("brand").filter(pk=rules.fallback, active=True)
    because = joined(search.notes) or reasons.NOBODY_ELSE()
    return _with_delegates(((person, FALLBACK(why=because)) for person in owner), search)


def reached(search: Search) -> list[Found]:
    """The same without the fallback owner."""
    assert search.step.target is not None  # policies are checked for that
    return _with_delegates(TARGETS[search.step.target](search), search)


def _with_delegates(people: People, search: Search) -> list[Found]:
    named = {person.pk: (person, reason) for person, reason in people}
    instead = search.staff.stand_ins([person for person, _ in named.values()])
    found: dict[int, Found] = {}
    for person, reason in named.values():
        delegate = instead.get(person.pk, person)
        if not delegate.active:
            search.notes.append(reasons.LEFT(name=person))
        elif delegate == person:
            found[person.pk] = Found(person, reason)
        elif delegate.pk not in named:
            found.setdefault(delegate.pk, Found(delegate, DELEGATE(name=person, reason=reason), person))
    return list(found.values())


# --- kinds ------------------------------------------------------------------------------------------------------------
def _assignee(search: Search) -> People:
    if search.task.assignee is None:
        search.notes.append(reasons.NO_ASSIGNEE())
        return []
    return [(search.task.assignee, ASSIGNEE())]


def _candidates(search: Search) -> People:
    found = [(person, CANDIDATE()) for person in search.task.candidates.select_related("brand").order_by("pk")]
    if not found:
        search.notes.append(reasons.NO_CANDIDATES())
    return found


def _task_teams(search: Search) -> People:
    teams = search.task.teams.order_by("pk")
    found = [(person, MEMBER(name=team.name)) for team in teams for person in _members(team)]
    if not found:
        search.notes.append(reasons.NO_TEAM_WITH_MEMBERS())
    return found


def _team(search: Search) -> People:
    team = Team.objects.filter(pk=search.step.team or 0).first()
    found = [(person, MEMBER(name=team.name)) for person in _members(team)] if team else []
    if not found:
        search.notes.append(reasons.NO_MEMBERS(name=team.name) if team else reasons.TEAM_GONE())
    return found


def _members(team: Team) -> Iterable[Recipient]:
    return team.members.select_related("brand").order_by("pk")


def _team_lead(search: Search) -> People:
    found = []
    teams = _teams_led(search)
    for team in teams:
        if team.lead is None:
            search.notes.append(reasons.NO_LEAD(name=team.name))
        elif search.can_be_told(team.lead):
            found.append((team.lead, LEAD(name=team.name)))
    if not teams:
        search.notes.append(reasons.NO_TEAM_TO_LEAD())
    return found


def _teams_led(search: Search) -> list[Team]:
    teams = Team.objects.select_related("lead__brand").order_by("pk")
    if search.step.team is not None:
        return list(teams.filter(pk=search.step.team))
    own = list(teams.filter(tasks=search.task))
    return own or list(teams.filter(members=search.task.assignee_id) if search.task.assignee_id else [])


def _manager(search: Search) -> People:
    """Of the level asked for, or else the next one up who can be told."""
    assignee = search.task.assignee
    if assignee is None:
        search.notes.append(reasons.NO_ASSIGNEE())
        return []
    person, seen, level = assignee, {assignee.pk}, 0
    while person.manager is not None and person.manager_id not in seen:
        person, level = person.manager, level + 1
        seen.add(person.pk)
        if level >= search.step.level and search.can_be_told(person):
            why = MANAGER(name=assignee) if level == 1 else MANAGER_OF_LEVEL(name=assignee, level=level)
            return [(person, why)]
    missing = reasons.CIRCLE if person.manager is not None else reasons.NO_MANAGER
    search.notes.append(missing(name=person))
    return []


def _person(search: Search) -> People:
    found = [
        (person, reasons.BY_POLICY())
        for person in Recipient.objects.select_related("brand").filter(pk=search.step.person or 0)
    ]
    if not found:
        search.notes.append(reasons.PERSON_GONE())
    return found


TARGETS: dict[StepTarget, Callable[[Search], People]] = {
    StepTarget.ASSIGNEE: _assignee,
    StepTarget.CANDIDATES: _candidates,
    StepTarget.TASK_TEAMS: _task_teams,
    StepTarget.TEAM: _team,
    StepTarget.TEAM_LEAD: _team_lead,
    StepTarget.MANAGER: _manager,
    StepTarget.PERSON: _person,
}

OWN = (StepTarget.ASSIGNEE, StepTarget.CANDIDATES, StepTarget.TASK_TEAMS)
"""Whose task it is: for them a step is a reminder, for everybody else an escalation."""
