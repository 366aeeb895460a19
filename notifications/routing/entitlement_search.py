"""The people that a target names now, from the rows of the task of an existing copy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from notifications.models import Engine, Notification, Recipient, RouteTarget, Task, Team
from notifications.people.resolver import PersonInEvent, ref_of
from notifications.people.roster import Roster
from notifications.people.stand_ins import PartSubject
from notifications.reasons import Reason
from notifications.routing import targets
from notifications.types import lookup


class Sources(Protocol):
    """Data that is read once for several targets; people by their keys."""

    @property
    def roster(self) -> Roster: ...

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
        self.task: Task = copy.task
        self.case = copy.task.case
        self.roster = sources.roster

    def assignee(self) -> Recipient | None:
        return self.task.assignee

    def candidates(self) -> Iterable[Recipient]:
        return self.task.candidates.all() if self.task.assignee_id is None else []

    def teams(self) -> Iterable[Team]:
        return self.task.teams.all() if self.task.assignee_id is None else []

    def teams_led(self) -> Sequence[Team]:
        if self.target.team_id is not None:
            return [team] if (team := self.team()) is not None else []
        own = list(self.task.teams.select_related("lead"))
        assignee = self.task.assignee_id
        return own or (list(Team.objects.filter(members=assignee).select_related("lead")) if assignee else [])

    def is_out(self, person: Recipient) -> bool:
        return self.roster.stand_ins.is_out(person, part_subject_of(self._copy))

    @property
    def level(self) -> int:
        return self._level

    def can_be_told(self, person: Recipient) -> bool:
        return person.active and not self.is_out(person)

    def miss(self, what: targets.Missing, of: Recipient | Team | None = None) -> None:
        """Do nothing: a review has no trace."""

    def leave_out(self, ref: str, reason: Reason) -> None:
        """Do nothing: a review has no trace."""

    def value(self, path: str) -> Any:
        return lookup(self.task.data, path)

    def named(self, people: Iterable[PersonInEvent | None]) -> Iterable[Recipient]:
        return self._sources.with_refs(self.task.engine, filter(None, map(ref_of, people))).values()
