"""The people that a target names now, from the rows of the task of an existing copy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from notifications.models import Case, Engine, Notification, Recipient, RouteTarget, TargetKind, Task, Team
from notifications.people.absence import PartSubject
from notifications.people.resolver import ref_of
from notifications.people.roster import Roster
from notifications.preferences import following
from notifications.reasons import NOTHING, Reason
from notifications.routing import stakeholders, targets
from notifications.types import lookup


class Sources(Protocol):
    """Data that is read once for several targets; people by their keys."""

    roster: Roster

    def on_lists(self, case: Case) -> Mapping[int, Recipient]:
        """Return everybody on the lists for the case's type."""

    def with_refs(self, engine: Engine, refs: Iterable[str]) -> Mapping[int, Recipient]:
        """Return the people with these refs in the engine."""


def part_subject_of(copy: Notification) -> PartSubject:
    """Return the subject that parts of absences are compared with. Reads the copy's task and its case."""
    task = copy.task
    case = task.case if task is not None else None
    return PartSubject(
        copy.category_id, task.engine_id if task is not None else None, case.type if case is not None else ""
    )


class Search(targets.RosterSearch):
    """The people for a target, from the rows of the copy's task."""

    def __init__(self, sources: Sources, copy: Notification, target: RouteTarget, level: int = 1) -> None:
        assert copy.task is not None
        self._sources, self._copy, self.target, self._level = sources, copy, target, level
        self._task: Task = copy.task
        self.roster = sources.roster

    def assignee(self) -> Recipient | None:
        return self._task.assignee

    def candidates(self) -> Iterable[Recipient]:
        return self._task.candidates.all() if self._task.assignee_id is None else []

    def teams(self) -> Iterable[Team]:
        return self._task.teams.all() if self._task.assignee_id is None else []

    def teams_led(self) -> Sequence[Team]:
        if self.target.team_id is not None:
            return [team] if (team := self.team()) is not None else []
        own = list(self._task.teams.select_related("lead"))
        assignee = self._task.assignee_id
        return own or (list(Team.objects.filter(members=assignee).select_related("lead")) if assignee else [])

    def is_out(self, person: Recipient) -> bool:
        return self.roster.absences.is_out(person, part_subject_of(self._copy))

    @property
    def level(self) -> int:
        return self._level

    def can_be_told(self, person: Recipient) -> bool:
        return person.active and not self.is_out(person)

    def miss(self, what: targets.Missing, of: Recipient | Team | None = None) -> None:
        """Do nothing: a review has no trace."""

    def leave_out(self, ref: str, reason: Reason) -> None:
        """Do nothing: a review has no trace."""

    def people(self, kind: TargetKind) -> targets.People:
        return [(person, NOTHING) for person in self._of_event(kind)]

    def _of_event(self, kind: TargetKind) -> Iterable[Recipient]:
        task, case = self._task, self._task.case
        if kind == TargetKind.INITIATOR:
            return [task.initiator] if task.initiator is not None else []
        if kind == TargetKind.FOLLOWERS:
            return following.followers_of(case) if case is not None else []
        if kind == TargetKind.CASE_LIST:
            return self._sources.on_lists(case).values() if case is not None else ()
        if kind == TargetKind.ROLE:
            refs = stakeholders.refs_with_role(case.roles if case is not None else None, self.target.role)
            return self._sources.with_refs(task.engine, refs).values()
        paths = {TargetKind.RECIPIENTS: "recipients", TargetKind.CUSTOMER: "customer"}
        value = lookup(task.data, paths.get(kind, self.target.path))
        people = value if isinstance(value, list) else [value]
        return self._sources.with_refs(task.engine, [ref for person in people if (ref := ref_of(person))]).values()
