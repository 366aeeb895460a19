"""The people whom a step tells, each with the reason.

People who are away are replaced by their delegate. If nobody is left, the fallback owner is told.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from escalations import reasons
from escalations.models import StepTarget
from escalations.policies.rules import RuleSet, Step
from notifications.models import Recipient, RouteTarget, Task, Team
from notifications.people.stand_ins import ANYTHING, PartSubject, StandIns, have_parts, people_away_at
from notifications.reasons import FALLBACK, Code, Reason, joined
from notifications.routing import targets
from notifications.routing.targets import Missing, People

T = TypeVar("T")
RowT = TypeVar("RowT", Recipient, Team)


class Staff:
    """A cache of people, teams and stand-ins at an instant, for many steps. Each row is read once.

    `tasks`: their candidates and teams are read together, when those of one task are needed.
    """

    def __init__(self, now: datetime, tasks: Iterable[Task] = ()) -> None:
        self.now = now
        self._tasks = [task.pk for task in tasks]
        self._stand_ins = StandIns(now)
        self._cache: dict[Any, Any] = {}

    def once(self, key: Any, find: Callable[[], T]) -> T:
        """Return `find()`, which is called once for each key."""
        if key not in self._cache:
            self._cache[key] = find()
        cached: T = self._cache[key]
        return cached

    def shared(self, kind: type[T]) -> T:
        """Return `kind(now)`, which is made once."""
        return self.once(kind, lambda: kind(self.now))  # type: ignore[call-arg]

    # --- stand-ins -----------------------------------------------------------------------------------
    @cached_property
    def away(self) -> frozenset[int]:
        return people_away_at(self.now)

    def subject(self, task: Task, step: Step) -> PartSubject:
        """Return the subject that parts of absences distinguish: category, engine and type of case."""
        if not self.away or not self.once("parts", have_parts):
            return ANYTHING
        category = step.category or self.once(
            ("category", task.pk),
            lambda: task.notifications.order_by("-created_at").values_list("category", flat=True).first(),
        )
        return PartSubject(category, task.engine_id, task.case.type if task.case is not None else "")

    def stand_ins(self, people: Sequence[Recipient], subject: PartSubject) -> dict[int, Recipient]:
        return self._stand_ins.of([person for person in people if person.pk in self.away], subject)

    def why(self, person: Recipient, subject: PartSubject, reason: Reason) -> Reason:
        """Return the reason why the person's stand-in is told."""
        return self._stand_ins.why(person, subject, reason)

    def is_out(self, person: Recipient, subject: PartSubject) -> bool:
        """Return whether the person is away without a stand-in."""
        return person.pk in self.away and not self.stand_ins([person], subject)

    # --- people and teams ----------------------------------------------------------------------------
    def person(self, pk: int | None) -> Recipient | None:
        return self.once(("person", pk), lambda: _people().filter(pk=pk or 0).first())

    def team(self, pk: int | None) -> Team | None:
        """Return the team with its lead."""
        return self.once(("team", pk), lambda: _teams().filter(pk=pk or 0).first())

    def members(self, team: Team) -> Sequence[Recipient]:
        return self.once(("members", team.pk), lambda: list(_people().filter(teams=team).order_by("pk")))

    def teams_with(self, member: int) -> Sequence[Team]:
        return self.once(("teams with", member), lambda: list(_teams().filter(members=member).order_by("pk")))

    def candidates(self, task: Task) -> Sequence[Recipient]:
        if task.pk not in self._tasks:
            return list(_people().filter(candidate_tasks=task).order_by("pk"))
        by_task = self.once("candidates", lambda: self._of_tasks(Task.candidates.through, "recipient_id", _people()))
        return by_task.get(task.pk, [])

    def teams(self, task: Task) -> Sequence[Team]:
        if task.pk not in self._tasks:
            return list(_teams().filter(tasks=task).order_by("pk"))
        by_task = self.once("teams", lambda: self._of_tasks(Task.teams.through, "team_id", _teams()))
        return by_task.get(task.pk, [])

    def _of_tasks(self, through: Any, name: str, rows: QuerySet[RowT]) -> dict[UUID, list[RowT]]:
        pairs = list(through.objects.filter(task_id__in=self._tasks).order_by(name).values_list("task_id", name))
        by_pk, by_task = rows.in_bulk({pk for _, pk in pairs}), dict[UUID, list[RowT]]()
        for task, pk in pairs:
            by_task.setdefault(task, []).append(by_pk[pk])
        return by_task


def _people() -> QuerySet[Recipient]:
    return Recipient.objects.select_related("brand")


def _teams() -> QuerySet[Team]:
    return Team.objects.select_related("lead__brand")


@dataclass
class Search(targets.Search):
    """The search for people of one step's target, from the rows of its task. `notes`: why people are left out."""

    task: Task
    step: Step
    staff: Staff
    notes: list[Reason] = field(default_factory=list)

    def assignee(self) -> Recipient | None:
        return self.task.assignee

    def candidates(self) -> Iterable[Recipient]:
        return self.staff.candidates(self.task)

    def teams(self) -> Iterable[Team]:
        return self.staff.teams(self.task)

    def teams_led(self) -> Sequence[Team]:
        if self.step.team is not None:
            team = self.staff.team(self.step.team)
            return [team] if team is not None else []
        own, assignee = self.staff.teams(self.task), self.task.assignee_id
        return own or (self.staff.teams_with(assignee) if assignee else [])

    def team(self) -> Team | None:
        return self.staff.team(self.step.team)

    def person(self) -> tuple[Recipient, Reason] | None:
        person = self.staff.person(self.step.person)
        return (person, reasons.BY_POLICY()) if person is not None else None

    @property
    def ref(self) -> str:
        return self.step.ref

    def shared(self, kind: type[T]) -> T:
        return self.staff.shared(kind)

    def is_out(self, person: Recipient) -> bool:
        return self.staff.is_out(person, self.subject)

    def members(self, team: Team) -> Sequence[Recipient]:
        return self.staff.members(team)

    @property
    def subject(self) -> PartSubject:
        return self.staff.subject(self.task, self.step)

    @property
    def level(self) -> int:
        return self.step.level

    def can_be_told(self, person: Recipient) -> bool:
        if not person.active:
            self.notes.append(reasons.LEFT(name=person))
        elif self.staff.is_out(person, self.subject):
            self.notes.append(reasons.AWAY(name=person))
        else:
            return True
        return False

    def leave_out(self, ref: str, reason: Reason) -> None:
        self.notes.append(reason)

    def miss(self, what: Missing, of: Recipient | Team | None = None) -> None:
        names = {} if of is None else {"name": of.name if isinstance(of, Team) else of}
        self.notes.append(MISSED[what](**names))


@dataclass(frozen=True)
class Addressee:
    """A person to tell. `on_behalf_of`: the absent person whom they stand in for."""

    recipient: Recipient
    reason: Reason
    on_behalf_of: Recipient | None = None


def whom(search: Search, rules: RuleSet) -> list[Addressee]:
    """Return the people of the target with their delegates, or else the fallback owner. Empty without either."""
    recipients = reached(search)
    if recipients or rules.fallback is None:
        return recipients
    owner = search.staff.person(rules.fallback)
    if owner is None or not owner.active:
        return []
    because = joined(search.notes) or reasons.NOBODY_ELSE()
    return _with_delegates([(owner, FALLBACK(why=because))], search)


def reached(search: Search) -> list[Addressee]:
    """Return the people of the target, each once, with delegates."""
    assert search.step.target is not None  # policies are checked for that
    return _with_delegates(targets.people_for(search.step.target, search), search)


def step_for(target: RouteTarget) -> Step:
    """Return a step with the target of a route, to find its people. The other fields are empty."""
    return Step(
        id=0,
        position=0,
        kind="",
        target=target.kind,
        team=target.team_id,
        person=target.person_id,
        ref=target.ref,
        category=target.route.category_id,
    )


def _with_delegates(people: People, search: Search) -> list[Addressee]:
    by_pk = {person.pk: (person, reason) for person, reason in people}
    subject = search.subject
    instead = search.staff.stand_ins([person for person, _ in by_pk.values()], subject)
    recipients: dict[int, Addressee] = {}
    for person, reason in by_pk.values():
        delegate = instead.get(person.pk, person)
        if not delegate.active:
            search.notes.append(reasons.LEFT(name=person))
        elif delegate == person:
            recipients[person.pk] = Addressee(person, reason)
        elif delegate.pk not in by_pk:
            recipients.setdefault(delegate.pk, Addressee(delegate, search.staff.why(person, subject, reason), person))
    return list(recipients.values())


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
