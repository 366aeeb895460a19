"""Whom a step tells, and why.

People who are away are replaced by their delegate. If nobody is left, the fallback owner is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import QuerySet

from escalations import reasons
from escalations.models import StepTarget, TimeKind
from escalations.policies.rules import RuleSet, Step
from notifications.models import Recipient, RouteTarget, Task, Team
from notifications.people.absence import away_at, stand_ins
from notifications.reasons import DELEGATE, FALLBACK, Code, Reason, joined
from notifications.routing import targets
from notifications.routing.targets import Missing, People


@dataclass
class Staff:
    """Who is away at an instant: read once for many steps."""

    now: datetime

    @cached_property
    def away(self) -> frozenset[int]:
        return frozenset(away_at(self.now).values_list("recipient_id", flat=True))

    def stand_ins(self, people: Sequence[Recipient]) -> dict[int, Recipient]:
        return stand_ins(people, self.now) if any(person.pk in self.away for person in people) else {}

    def is_out(self, person: Recipient) -> bool:
        """Whether the person is away, and nobody stands in."""
        return person.pk in self.away and not self.stand_ins([person])


@dataclass
class Search(targets.Search):
    """The people for one step's target, from the rows of its task. `notes` says whom it did not find, and why."""

    task: Task
    step: Step
    staff: Staff
    notes: list[Reason] = field(default_factory=list)

    def assignee(self) -> Recipient | None:
        return self.task.assignee

    def candidates(self) -> Iterable[Recipient]:
        return self.task.candidates.select_related("brand").order_by("pk")

    def teams(self) -> Iterable[Team]:
        return self.task.teams.order_by("pk")

    def teams_led(self) -> Sequence[Team]:
        teams = Team.objects.select_related("lead__brand").order_by("pk")
        if self.step.team is not None:
            return list(teams.filter(pk=self.step.team))
        own = list(teams.filter(tasks=self.task))
        return own or list(teams.filter(members=self.task.assignee_id) if self.task.assignee_id else [])

    def team(self) -> Team | None:
        return Team.objects.filter(pk=self.step.team or 0).first()

    def person(self) -> tuple[Recipient, Reason] | None:
        found = Recipient.objects.select_related("brand").filter(pk=self.step.person or 0).first()
        return (found, reasons.BY_POLICY()) if found is not None else None

    def members(self, team: Team) -> QuerySet[Recipient]:
        return team.members.select_related("brand").order_by("pk")

    @property
    def level(self) -> int:
        return self.step.level

    def can_be_told(self, person: Recipient) -> bool:
        if not person.active:
            self.notes.append(reasons.LEFT(name=person))
        elif self.staff.is_out(person):
            self.notes.append(reasons.AWAY(name=person))
        else:
            return True
        return False

    def miss(self, what: Missing, of: Recipient | Team | None = None) -> None:
        about = {} if of is None else {"name": of.name if isinstance(of, Team) else of}
        self.notes.append(MISSED[what](**about))


@dataclass(frozen=True)
class Found:
    """A person to tell. `on_behalf_of` is away."""

    recipient: Recipient
    reason: Reason
    on_behalf_of: Recipient | None = None


def whom(search: Search, rules: RuleSet) -> list[Found]:
    """Each person once; empty if there is not even a fallback owner."""
    found = reached(search)
    if found or rules.fallback is None:
        return found
    owner = Recipient.objects.select_related("brand").filter(pk=rules.fallback, active=True)
    because = joined(search.notes) or reasons.NOBODY_ELSE()
    return _with_delegates(((person, FALLBACK(why=because)) for person in owner), search)


def reached(search: Search) -> list[Found]:
    """The same without the fallback owner."""
    assert search.step.target is not None  # policies are checked for that
    return _with_delegates(targets.people_for(search.step.target, search), search)


def step_for(target: RouteTarget) -> Step:
    """A step with a route's target, to find whom it means: everything else about the step is empty."""
    return Step(
        id=0,
        position=0,
        kind="",
        offset=timedelta(),
        time=TimeKind.WALL,
        repeat_every=timedelta(),
        repeats=0,
        target=StepTarget(target.kind),
        level=1,
        team=target.team_id,
        person=target.person_id,
        version=None,
        category=None,
        channels=(),
        priority="",
    )


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


MISSED: dict[Missing, Code] = {
    Missing.ASSIGNEE: reasons.NO_ASSIGNEE,
    Missing.CANDIDATES: reasons.NO_CANDIDATES,
    Missing.TEAM_WITH_MEMBERS: reasons.NO_TEAM_WITH_MEMBERS,
    Missing.MEMBERS: reasons.NO_MEMBERS,
    Missing.TEAM: reasons.TEAM_GONE,
    Missing.LEAD: reasons.NO_LEAD,
    Missing.TEAM_TO_LEAD: reasons.NO_TEAM_TO_LEAD,
    Missing.MANAGER: reasons.NO_MANAGER,
    Missing.END_OF_MANAGERS: reasons.CIRCLE,
    Missing.PERSON: reasons.PERSON_GONE,
}

OWN = (StepTarget.ASSIGNEE, StepTarget.CANDIDATES, StepTarget.TASK_TEAMS)
"""Targets who have the task themselves: for them a step is a reminder, for others an escalation."""
