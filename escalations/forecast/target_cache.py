"""Caches whom steps would tell at many instants: computed again only when somebody goes away or comes back.

So looking ahead for some thousand people, for whom many steps have the same result, takes about a second.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from escalations.kinds.targets import Found, Search, Staff, reached
from escalations.models import StepTarget
from escalations.policies.rules import Step
from notifications.models import Recipient, Task, Team
from notifications.people.absence import stand_ins
from notifications.reasons import Reason

LATELY = timedelta(days=30)
"""People who had a task in this time may get one again."""
MOST_TASKS = 2_000
OF_TASKS = (
    StepTarget.ASSIGNEE,
    StepTarget.CANDIDATES,
    StepTarget.TASK_TEAMS,
    StepTarget.TEAM_LEAD,
    StepTarget.MANAGER,
)
"""Targets that depend on the task's people."""

Question = tuple[Any, ...]
"""Steps and tasks with the same key find the same people."""


class _Watched(Staff):
    """Records whom it was asked about. Stand-ins are read for all at once."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.asked: set[int] = set()

    def stand_ins(self, people: Sequence[Recipient]) -> dict[int, Recipient]:
        self.asked.update(person.pk for person in people)
        return {person.pk: self._all[person.pk] for person in people if person.pk in self._all}

    def is_out(self, person: Recipient) -> bool:
        self.asked.add(person.pk)
        return super().is_out(person)

    @cached_property
    def _all(self) -> dict[int, Recipient]:
        return stand_ins(Recipient.objects.filter(pk__in=self.away), self.now) if self.away else {}


@dataclass(frozen=True, eq=False)
class Answer:
    """Whom a step would tell, and whom not and why; `about` are the people whose absences matter."""

    hear: list[Found]
    notes: list[Reason]
    about: frozenset[int]

    @cached_property
    def people(self) -> frozenset[int]:
        return self.about.union(each.recipient.pk for each in self.hear)


@dataclass
class TargetCache:
    """Use it for one instant after another: `at`, then `ask`."""

    staff: _Watched | None = None
    _answers: dict[Question, Answer] = field(default_factory=dict)

    def at(self, instant: datetime, others: Collection[int] = ()) -> list[Question]:
        """Forgets, and returns, the results that depend on somebody who is away then, or was at the instant before, and
        those with one of the others."""
        before, self.staff = self.staff, _Watched(instant)
        moved = self.staff.away.union(before.away if before else (), others)
        forgotten = [question for question, each in self._answers.items() if not each.people.isdisjoint(moved)]
        for question in forgotten:
            del self._answers[question]
        return forgotten

    def ask(self, question: Question, task: Task, step: Step) -> Answer:
        if question not in self._answers:
            assert self.staff is not None
            self.staff.asked = set()
            search = Search(task, step, self.staff)
            hear = reached(search)
            self._answers[question] = Answer(hear, search.notes, frozenset(self.staff.asked))
        return self._answers[question]


# --- of which tasks ---------------------------------------------------------------------------------------------------
class Tasks:
    """The newest task of each assignee who has one or lately had one."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def different(self, steps: Sequence[Step]) -> Iterator[tuple[Task, tuple[Question, ...]]]:
        """One task for each result: all steps have the same key for the others."""
        if not any(step.target in OF_TASKS and step.team is None for step in steps):
            yield Task(), tuple(_question(step, None) for step in steps)
            return
        met: set[tuple[Question, ...]] = set()
        for task in self._all:
            questions = tuple(_question(step, self._whose(task, step)) for step in steps)
            if questions not in met:
                met.add(questions)
                yield task, questions

    def _whose(self, task: Task, step: Step) -> Any:
        """What a step looks at of a task."""
        assignee = task.assignee
        assert assignee is not None
        if step.target == StepTarget.MANAGER:
            return assignee.manager_id or (assignee.pk,)
        if step.target == StepTarget.CANDIDATES:
            return self._candidates.get(task.pk)
        if step.target == StepTarget.TASK_TEAMS:
            return self._teams.get(task.pk)
        if step.target == StepTarget.TEAM_LEAD and step.team is None:
            return self._teams.get(task.pk) or self._memberships.get(assignee.pk)
        return assignee.pk if step.target == StepTarget.ASSIGNEE else None

    @cached_property
    def _all(self) -> list[Task]:
        rows = Task.objects.filter(updated_at__gte=self._now - LATELY).select_related("assignee__manager")
        found: dict[int, Task] = {}
        for task in rows.defer("data", "info", "actions").order_by("-id")[:MOST_TASKS]:
            if task.assignee is not None and task.assignee.active:
                found.setdefault(task.assignee.pk, task)
        return [found[pk] for pk in sorted(found)]

    @cached_property
    def _candidates(self) -> dict[Any, frozenset[int]]:
        rows = Task.candidates.through.objects.filter(task__in=self._all)
        return _gathered(rows.values_list("task_id", "recipient_id"))

    @cached_property
    def _teams(self) -> dict[Any, frozenset[int]]:
        return _gathered(Task.teams.through.objects.filter(task__in=self._all).values_list("task_id", "team_id"))

    @cached_property
    def _memberships(self) -> dict[Any, frozenset[int]]:
        return _gathered(Team.members.through.objects.values_list("recipient_id", "team_id"))


def _question(step: Step, whose: Any) -> Question:
    return step.target, step.level, step.team, step.person, whose


def _gathered(rows: Iterable[tuple[Any, int]]) -> dict[Any, frozenset[int]]:
    found: dict[Any, set[int]] = {}
    for key, value in rows:
        found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}
