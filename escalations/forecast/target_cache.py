"""Caches the people of steps for many instants. Only results that depend on a changed absence, or on a row of a
feature, are replaced.

So a forecast for some thousand people, for whom many steps have the same result, takes about a second.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from escalations.kinds.targets import Addressee, Search, Staff, reached
from escalations.models import StepTarget
from escalations.policies.rules import Step
from notifications.feature_targets import Period
from notifications.models import Recipient, Task, Team
from notifications.people.stand_ins import PartSubject, have_parts
from notifications.reasons import Reason

LATELY = timedelta(days=30)
"""The period of `Tasks`: people who had a task in it may get one again."""
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
"""The key of a result: steps and tasks with the same key find the same people."""


class _RecordingStaff(Staff):
    """Records in `dependencies` the pks of people whose absences were read. Reads the stand-ins of everybody who is
    away together."""

    def __init__(self, now: datetime, periods: Iterable[Period]) -> None:
        super().__init__(now)
        self.dependencies: set[int] = set()
        for period in periods:
            self.once(period.kind, partial(period.shared, now))

    def stand_ins(self, people: Sequence[Recipient], subject: PartSubject) -> dict[int, Recipient]:
        self.dependencies.update(person.pk for person in people)
        everybody = self.once("everybody", lambda: list(Recipient.objects.filter(pk__in=self.away)))
        delegates = self.once(("delegates", subject), lambda: self._stand_ins.of(everybody, subject))
        return {person.pk: delegates[person.pk] for person in people if person.pk in delegates}

    def subject(self, task: Task, step: Step) -> PartSubject:
        """Return the subject with the step's category alone: those of the tasks are not read."""
        self.once(("category", task.pk), lambda: None)
        return super().subject(task, step)

    def is_out(self, person: Recipient, subject: PartSubject) -> bool:
        self.dependencies.add(person.pk)
        return super().is_out(person, subject)


@dataclass(frozen=True, eq=False)
class Answer:
    """The people whom a step would tell, and notes about others. `dependencies`: pks of people whose absences
    matter."""

    hear: list[Addressee]
    notes: list[Reason]
    dependencies: frozenset[int]

    @cached_property
    def people(self) -> frozenset[int]:
        return self.dependencies.union(each.recipient.pk for each in self.hear)


@dataclass
class TargetCache:
    """A cache of the people of steps. For each instant call `at`, then `ask`."""

    periods: Mapping[str, Period] = field(default_factory=dict)
    """By targets of features: the rows that the steps name, for the whole period."""
    staff: _RecordingStaff | None = None
    _answers: dict[Question, Answer] = field(default_factory=dict)

    def at(self, instant: datetime, others: Collection[int] = ()) -> list[Question]:
        """Go to the next instant. Forget and return the results that depend on people away now or at the instant
        before, on `others`, or on the rows of a feature."""
        before, self.staff = self.staff, _RecordingStaff(instant, self.periods.values())
        moved = self.staff.away.union(before.away if before else (), others)
        forgotten = [
            question
            for question, each in self._answers.items()
            if question[0] in self.periods or not each.people.isdisjoint(moved)
        ]
        for question in forgotten:
            del self._answers[question]
        return forgotten

    def ask(self, question: Question, task: Task, step: Step) -> Answer:
        if question not in self._answers:
            assert self.staff is not None
            self.staff.dependencies = set()
            search = Search(task, step, self.staff)
            hear = reached(search)
            self._answers[question] = Answer(hear, search.notes, frozenset(self.staff.dependencies))
        return self._answers[question]


# --- different tasks --------------------------------------------------------------------------------------------------
class Tasks:
    """The newest tasks of the last LATELY, without those of customers."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def different(
        self, steps: Sequence[Step], fits: Callable[[Task], bool]
    ) -> Iterator[tuple[Task, tuple[Question, ...]]]:
        """Yield one task for each result: the steps have the same keys for all its other tasks. If the steps depend on
        the people of tasks, only tasks that `fits` are read: the newest of each assignee, and if absences have parts,
        of each kind."""
        of_people = any(step.target in OF_TASKS and step.team is None for step in steps)
        met: set[tuple[Question, ...]] = set()
        for task in self._of_assignees(fits) if of_people else [Task(), *self._kinds]:
            owner_keys = (self._owner_key(task, step) if of_people else None for step in steps)
            questions = tuple(
                (step.target, step.level, step.team, step.person, step.ref, step.category, owner_key, self._kind(task))
                for step, owner_key in zip(steps, owner_keys, strict=True)
            )
            if questions not in met:
                met.add(questions)
                yield task, questions

    @cached_property
    def _has_parts(self) -> bool:
        """Return whether some absence has parts: then the kind of the task matters."""
        return have_parts()

    def _kind(self, task: Task) -> tuple[Any, ...]:
        """Return the parts of the task that parts of absences look at: engine and type of case."""
        return (task.engine_id, task.case.type if task.case is not None else "") if self._has_parts else ()

    @cached_property
    def _kinds(self) -> list[Task]:
        """One task of each kind, if absences have parts."""
        return list({self._kind(task): task for task in self._recent}.values()) if self._has_parts else []

    def _of_assignees(self, fits: Callable[[Task], bool]) -> list[Task]:
        by_kind: dict[tuple[Any, ...], Task] = {}
        for task in self._recent:
            key = (task.assignee_id, *self._kind(task))
            if key not in by_kind and fits(task):
                by_kind[key] = task
        return [by_kind[key] for key in sorted(by_kind)]

    def _owner_key(self, task: Task, step: Step) -> Any:
        """Return the key of the people whom the step's target means: tasks with equal keys have the same people."""
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
    def _recent(self) -> list[Task]:
        """The newest tasks that an active colleague has, the newest first."""
        rows = Task.objects.filter(updated_at__gte=self._now - LATELY).select_related("assignee__manager")
        rows = rows.select_related("case", "engine").defer("info", "actions").order_by("-id")
        people = ((task, task.assignee) for task in rows[:MOST_TASKS])
        return [task for task, person in people if person is not None and person.active and not person.external]

    @cached_property
    def _candidates(self) -> dict[Any, frozenset[int]]:
        rows = Task.candidates.through.objects.filter(task__in=self._recent)
        return _values_by_key(rows.values_list("task_id", "recipient_id"))

    @cached_property
    def _teams(self) -> dict[Any, frozenset[int]]:
        return _values_by_key(
            Task.teams.through.objects.filter(task__in=self._recent).values_list("task_id", "team_id")
        )

    @cached_property
    def _memberships(self) -> dict[Any, frozenset[int]]:
        return _values_by_key(Team.members.through.objects.values_list("recipient_id", "team_id"))


def _values_by_key(rows: Iterable[tuple[Any, int]]) -> dict[Any, frozenset[int]]:
    groups: dict[Any, set[int]] = {}
    for key, value in rows:
        groups.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in groups.items()}
