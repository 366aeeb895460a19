"""Targets: the one list of kinds of targets, for routes and for SLA steps. Features add kinds (feature_targets.py).

A kind determines the people, their order, and the reason. The search provides the people: for a route from the event
(notifications/routing/route.py), for a step from the rows of the task (escalations/kinds/targets.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from typing import Any, TypeVar

from notifications import reasons
from notifications.feature_targets import feature_targets
from notifications.models import Case, Recipient, RouteTarget, TargetKind, Task, Team
from notifications.people.resolver import PersonInEvent
from notifications.people.roster import Roster
from notifications.preferences import following
from notifications.reasons import Reason
from notifications.routing import stakeholders

T = TypeVar("T")
People = Iterable[tuple[Recipient, Reason]]


class Missing(Enum):
    """A cause for which a target means nobody."""

    ASSIGNEE = auto()
    CANDIDATES = auto()
    TEAM_WITH_MEMBERS = auto()
    MEMBERS = auto()
    TEAM = auto()
    LEAD = auto()
    TEAM_TO_LEAD = auto()
    MANAGER = auto()
    END_OF_MANAGERS = auto()
    PERSON = auto()


class Search(ABC):
    """Provides the people for one target."""

    @abstractmethod
    def assignee(self) -> Recipient | None: ...

    @abstractmethod
    def candidates(self) -> Iterable[Recipient]: ...

    @abstractmethod
    def teams(self) -> Iterable[Team]:
        """Return the teams whose members have the task."""

    @abstractmethod
    def teams_led(self) -> Sequence[Team]:
        """Return the teams whose leads are meant: the team of the target, else the teams of the event or task."""

    @abstractmethod
    def team(self) -> Team | None:
        """Return the team that the target names."""

    @abstractmethod
    def person(self) -> tuple[Recipient, Reason] | None:
        """Return the person that the target names, and the reason."""

    @property
    @abstractmethod
    def ref(self) -> str:
        """The row that a kind of a feature names."""

    @abstractmethod
    def shared(self, kind: type[T]) -> T:
        """Return `kind(now)`, which is made once for all searches of this time, so that each row is read once."""

    @abstractmethod
    def is_out(self, person: Recipient) -> bool:
        """Return whether the person is away, and nobody stands in."""

    @abstractmethod
    def members(self, team: Team) -> Iterable[Recipient]: ...

    @property
    def level(self) -> int:
        """The level of a manager: 1 is the assignee's own."""
        return 1

    def can_be_told(self, person: Recipient) -> bool:
        """Return whether a lead or a manager can be notified; if not, record why."""
        return True

    @abstractmethod
    def miss(self, what: Missing, of: Recipient | Team | None = None) -> None:
        """Record the cause for which nobody was found. `of`: the person or team that lacks it."""

    @abstractmethod
    def leave_out(self, ref: str, reason: Reason) -> None:
        """Record why the row `ref` of a feature means nobody."""


class RosterSearch(Search):
    """Reads the target's team, person and row of a feature from a roster."""

    roster: Roster
    target: RouteTarget
    task: Task | None
    case: Case | None

    @abstractmethod
    def value(self, path: str) -> Any:
        """Return the value at a path of the event's data, or of the task's."""

    def recipients(self) -> Iterable[PersonInEvent]:
        """Return the people to whom the engine has addressed the event, or the task."""
        return self.value("recipients") or []

    @abstractmethod
    def named(self, people: Iterable[PersonInEvent | None]) -> Iterable[Recipient]:
        """Return the recipients for people in an event. None, and unknown people, are left out."""

    def team(self) -> Team | None:
        return self.roster.team(self.target.team_id)

    def members(self, team: Team) -> Sequence[Recipient]:
        return self.roster.members(team)

    def person(self) -> tuple[Recipient, Reason] | None:
        person = self.roster.person(self.target.person_id)
        return (person, reasons.BY_ROUTE()) if person is not None else None

    @property
    def ref(self) -> str:
        ref: str = self.target.ref
        return ref

    def shared(self, kind: type[T]) -> T:
        return self.roster.shared(kind)


def people_for(kind: str, search: Search) -> People:
    """Return the people that a target of this kind means, and why. People may be repeated, and may be inactive."""
    if (find := KINDS.get(kind)) is not None:
        return find(search)
    if (find_named := KINDS_OF_ROUTES.get(kind)) is not None and isinstance(search, RosterSearch):
        return find_named(search)
    if kind in feature_targets():
        return feature_targets()[kind].find(search)
    search.leave_out(kind, reasons.NOT_INSTALLED(kind=kind))
    return []


# --- kinds ------------------------------------------------------------------------------------------------------------
def _assignee(search: Search) -> People:
    person = search.assignee()
    if person is None:
        search.miss(Missing.ASSIGNEE)
        return []
    return [(person, reasons.ASSIGNEE())]


def _candidates(search: Search) -> People:
    people = [(person, reasons.CANDIDATE()) for person in search.candidates()]
    if not people:
        search.miss(Missing.CANDIDATES)
    return people


def _task_teams(search: Search) -> People:
    people = [pair for team in search.teams() for pair in _members(team, search)]
    if not people:
        search.miss(Missing.TEAM_WITH_MEMBERS)
    return people


def _members(team: Team, search: Search) -> list[tuple[Recipient, Reason]]:
    return [(person, reasons.MEMBER(name=team.name, key=team.pk)) for person in search.members(team)]


def _team(search: Search) -> People:
    team = search.team()
    people = _members(team, search) if team is not None else []
    if team is None:
        search.miss(Missing.TEAM)
    elif not people:
        search.miss(Missing.MEMBERS, team)
    return people


def _team_lead(search: Search) -> People:
    people = []
    teams = search.teams_led()
    for team in teams:
        if team.lead is None:
            search.miss(Missing.LEAD, team)
        elif search.can_be_told(team.lead):
            people.append((team.lead, reasons.LEAD(name=team.name, key=team.pk)))
    if not teams:
        search.miss(Missing.TEAM_TO_LEAD)
    return people


def _manager(search: Search) -> People:
    """Return the manager of the given level, or the next higher one who can be notified."""
    assignee = search.assignee()
    if assignee is None:
        search.miss(Missing.ASSIGNEE)
        return []
    person, seen, level = assignee, {assignee.pk}, 0
    while person.manager is not None and person.manager_id not in seen:
        person, level = person.manager, level + 1
        seen.add(person.pk)
        if level >= search.level and search.can_be_told(person):
            by = reasons.MANAGER(name=assignee)
            return [(person, by if level == 1 else reasons.MANAGER_OF_LEVEL(name=assignee, level=level))]
    search.miss(Missing.MANAGER if person.manager is None else Missing.END_OF_MANAGERS, person)
    return []


def _person(search: Search) -> People:
    person_and_reason = search.person()
    if person_and_reason is None:
        search.miss(Missing.PERSON)
        return []
    return [person_and_reason]


def _initiator(search: RosterSearch) -> People:
    person = search.task.initiator if search.task is not None else None
    people = [person] if person is not None else search.named([search.value("task.initiator")])
    return _pairs(people, reasons.STARTED_IT())


def _followers(search: RosterSearch) -> People:
    people = following.followers_of(search.case).select_related("brand") if search.case is not None else ()
    return _pairs(people, reasons.FOLLOWS())


def _role(search: RosterSearch) -> People:
    role = search.target.role
    refs = stakeholders.refs_with_role(search.case.roles if search.case is not None else None, role)
    if not refs:
        search.leave_out(role, reasons.NOBODY_HAS_ROLE())
    return _pairs(search.named(refs), reasons.HAS_ROLE(role=stakeholders.role_in_words(role)))


def _case_list(search: RosterSearch) -> People:
    case_type = search.case.type if search.case is not None else ""
    people = list(stakeholders.on_lists(search.case, search.roster)) if search.case is not None else []
    if not people:
        search.leave_out(case_type or "–", reasons.NOBODY_ON_LIST())
    return _pairs(people, reasons.ON_LIST(type=case_type))


def _recipients(search: RosterSearch) -> People:
    return _pairs(search.named(search.recipients()), reasons.BY_EVENT())


def _customer(search: RosterSearch) -> People:
    return _pairs(search.named([search.value("customer")]), reasons.CUSTOMER())


def _path(search: RosterSearch) -> People:
    path = search.target.path
    value = search.value(path)
    return _pairs(search.named(value if isinstance(value, list) else [value]), reasons.AT_PATH(path=path))


def _pairs(people: Iterable[Recipient], reason: Reason) -> People:
    return [(person, reason) for person in people]


KINDS: dict[str, Callable[[Search], People]] = {
    TargetKind.ASSIGNEE: _assignee,
    TargetKind.CANDIDATES: _candidates,
    TargetKind.TASK_TEAMS: _task_teams,
    TargetKind.TEAM: _team,
    TargetKind.TEAM_LEAD: _team_lead,
    TargetKind.MANAGER: _manager,
    TargetKind.PERSON: _person,
}
KINDS_OF_ROUTES: dict[str, Callable[[RosterSearch], People]] = {
    TargetKind.INITIATOR: _initiator,
    TargetKind.FOLLOWERS: _followers,
    TargetKind.ROLE: _role,
    TargetKind.CASE_LIST: _case_list,
    TargetKind.RECIPIENTS: _recipients,
    TargetKind.CUSTOMER: _customer,
    TargetKind.PATH: _path,
}
"""Kinds that only an event or its case can name. Steps of policies do not have them."""
