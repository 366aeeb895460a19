"""The base of step kinds, and their input and output: a step that is taken, its outcome, its event and the plan of its
messages. A new kind is one file in this folder and one line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from django.utils.translation import gettext as _

from escalations.models import Escalation, PolicyStep, RunResult, StepTarget
from escalations.models.policies import step_targets
from escalations.policies.rules import Occurrence, RuleSet, Step
from notifications.cases import internal_events
from notifications.cases.facts import facts_of_task
from notifications.feature_targets import feature_targets, not_installed
from notifications.items.representation import iso_utc
from notifications.models import Event, Task
from notifications.reasons import Reason
from notifications.routing import fanout
from notifications.routing.addressing import Contacts
from notifications.routing.plan import Plan
from notifications.types import Json
from notifications.wording.batch_render import Writer
from notifications.wording.sentences import Text

TYPE = "task.escalation_raised"

ONE_PERSON = (StepTarget.MANAGER, StepTarget.TEAM_LEAD, StepTarget.PERSON)

Faults = Iterator[tuple[str, str]]
"""Pairs of a field and a sentence with its fault."""

PEOPLE = ("target", "level", "team", "person", "ref")
"""The fields of a kind that has targets."""


# --- taking a step ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Taking:
    """A step to be taken now. `task` is locked and answerable; `now` may be later than the occurrence."""

    escalation: Escalation
    task: Task
    rules: RuleSet
    occurrence: Occurrence
    now: datetime

    @property
    def step(self) -> Step:
        return self.occurrence.step


@dataclass(frozen=True)
class StepOutcome:
    """The outcome of a step, for the trace."""

    result: RunResult
    why: Reason
    told: Sequence[Json] = field(default_factory=list)
    event: Event | None = None


def event_of(taking: Taking) -> Event:
    escalation, occurrence = taking.escalation, taking.occurrence
    facts = {  # templates may use these
        "policy": taking.rules.name,
        "step": taking.step.position,
        "number": occurrence.number,
        "due_at": iso_utc(escalation.deadline),
        "overdue": escalation.deadline <= taking.now,
        "assignee": str(taking.task.assignee) if taking.task.assignee else "",
    }
    event_id = f"{escalation.pk}/{occurrence.step.id}/{occurrence.number}"
    return internal_events.about_task(taking.task, TYPE, event_id, taking.now, time=occurrence.at, escalation=facts)


# --- messages, planned like those of any other event ------------------------------------------------------------------
def planner_of(taking: Taking, event: Event, contacts: Contacts) -> fanout.Planner:
    task = taking.task
    writer = Writer(event, task, facts_of_task(task, task.case, event))
    return fanout.Planner(event, task, task.case, writer, Plan(), taking.now, True, contacts)


def with_plan(planner: fanout.Planner) -> Event:
    """Return the event with the plan, to be inserted before the planned rows are saved."""
    event = planner.event
    event.plan, event.told = planner.plan.as_json(), len(planner.deliveries)
    return event


def told_by(plan: Plan) -> list[Json]:
    """Return the plan's recipients without ids, since those of a simulation differ."""
    names = ("ref", "name", "reason_fact", "title", "channels")
    return [{name: each[name] for name in names} for each in plan.recipients]


# --- the kinds --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class StepDescription:
    """A step with the names of the rows that it refers to. Times are in minutes."""

    kind: str
    offset: int
    time: str
    repeat_every: int
    repeats: int
    target: str
    level: int
    team: str
    person: str
    row: str
    """The row of a feature."""
    priority: str


class StepKind:
    """One kind of step. `kind` is the stored value, 20 characters at most; `label` its name on forms."""

    kind: ClassVar[str]
    label: ClassVar[Text]
    fields: ClassVar[tuple[str, ...]] = ()
    """Fields of PolicyStep that this kind uses, besides time and repetition. Others are hidden, and cleared."""
    to_one_person: ClassVar[bool] = False
    """True if the kind, if it uses `target`, only allows targets that are one person."""
    is_message: ClassVar[bool] = False
    """True if the kind's steps are messages. Of messages missed in an outage only the last is sent; other steps are all
    taken."""
    afterwards: ClassVar[Text] = ""
    """The simulator's note about later effects of such a step, which cannot be foreseen."""

    def take(self, takings: Sequence[Taking]) -> list[StepOutcome]:
        """Take the steps, at least one, at most one for each task, in the transaction that records them. The simulator
        rolls that back, so calls go out through rows of the outbox only."""
        raise NotImplementedError

    def faults(self, step: PolicyStep) -> Faults:
        """Yield the faults of a step before it is saved."""
        yield from ()

    def says(self, step: StepDescription) -> str:
        """Return the step as text in the reader's language, such as “remind the assignee”."""
        raise NotImplementedError

    def targets(self) -> list[str]:
        """Return the targets that this kind allows."""
        if not self.to_one_person:
            return [value for value, _label in step_targets()]
        return [*ONE_PERSON, *(kind.value for kind in feature_targets().values() if kind.is_one_person)]

    def came_too_late(self, occurrence: Occurrence, escalation: Escalation) -> bool:
        """Return whether to leave out a step that was due before the clock began. Here steps from the due date on are
        not left out: people are told of a task that is late when it comes."""
        return occurrence.at < escalation.started_at and occurrence.at < escalation.deadline

    def channels(self, step: Step, row: PolicyStep) -> Iterable[str] | None:
        """Return the channels of the step's message. None: the step sends no message."""
        return None


def unnamed(step: PolicyStep) -> Faults:
    """Yield a fault if the step's target needs a team, a person or a row of a feature, and has none."""
    if step.target == StepTarget.TEAM and step.team_id is None:
        yield "team", _("Choose the team.")
    elif step.target == StepTarget.PERSON and step.person_id is None:
        yield "person", _("Choose the person.")
    elif (kind := feature_targets().get(step.target)) is not None and kind.row(step.ref) is None:
        yield "ref", str(kind.unnamed)


def whom(step: StepDescription) -> str:
    """Return the target of a step as text."""
    if step.target == StepTarget.TEAM and step.team:
        return _("the members of %(team)s") % {"team": step.team}
    if step.target == StepTarget.TEAM_LEAD:
        return _("the lead of %(team)s") % {"team": step.team} if step.team else _("the team lead")
    if step.target == StepTarget.PERSON and step.person:
        return step.person
    if step.target == StepTarget.MANAGER and step.level > 1:
        return _("the assignee's manager, level %(level)d") % {"level": step.level}
    kind = feature_targets().get(step.target)
    if kind is not None:
        return str(kind.sentence) % {"name": step.row} if step.row else str(kind.label)
    return str(StepTarget(step.target).label) if step.target in StepTarget.values else not_installed()
