"""The base of step kinds. A new kind is one file in this folder and one line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from escalations.kinds.step_run import Taken, Taking
from escalations.models import Escalation, PolicyStep, StepTarget
from escalations.policies.rules import Occurrence, Step
from notifications.wording.sentences import Text

Faults = Iterator[tuple[str, str]]
"""A field and its fault."""

PEOPLE = ("target", "level", "team", "person", "rota")
"""The fields of a kind that has targets."""


@dataclass(frozen=True, slots=True)
class StepDescription:
    """A step with the names of what it refers to. Times are in minutes."""

    kind: str
    offset: int
    time: str
    repeat_every: int
    repeats: int
    target: str
    level: int
    team: str
    person: str
    rota: str
    priority: str


class StepKind:
    """One kind of step. `kind` is the stored value, 20 characters at most; `label` its name on forms."""

    kind: ClassVar[str]
    label: ClassVar[Text]
    fields: ClassVar[tuple[str, ...]] = ()
    """Fields of PolicyStep that it uses, besides time and repetition. Others are hidden, and cleared."""
    targets: ClassVar[Sequence[StepTarget]] = tuple(StepTarget)
    """The targets that it allows, if it uses `target`."""
    is_message: ClassVar[bool] = False
    """Whether its steps are messages: of messages missed in an outage only the last is sent; steps of other kinds are
    all taken."""
    afterwards: ClassVar[Text] = ""
    """The simulator's note for a step of this kind: what happens afterwards cannot be foreseen."""

    def take(self, takings: Sequence[Taking]) -> list[Taken]:
        """Take the steps, at most one for each task and at least one in all, in the transaction that records them. The
        simulator rolls it back, so calls go out through rows of the outbox only."""
        raise NotImplementedError

    def faults(self, step: PolicyStep) -> Faults:
        """Faults that are found before it is saved."""
        yield from ()

    def says(self, step: StepDescription) -> str:
        """The step as text in the reader's language: “remind the assignee”."""
        raise NotImplementedError

    def came_too_late(self, occurrence: Occurrence, escalation: Escalation) -> bool:
        """Whether to leave out a step that was due before the clock began. By default no: people are told of a task
        that is late when it comes."""
        return occurrence.at < escalation.started_at and occurrence.at < escalation.deadline

    def channels(self, step: Step, row: PolicyStep) -> Iterable[str] | None:
        """The channels of the step's message. None: the step sends no message."""
        return None


def whom(step: StepDescription) -> str:
    """Return the target of a step as text."""
    if step.target == StepTarget.TEAM and step.team:
        return _("the members of %(team)s") % {"team": step.team}
    if step.target == StepTarget.TEAM_LEAD:
        return _("the lead of %(team)s") % {"team": step.team} if step.team else _("the team lead")
    if step.target == StepTarget.PERSON and step.person:
        return step.person
    if step.target == StepTarget.DUTY and step.rota:
        return _("whoever is on duty for %(rota)s") % {"rota": step.rota}
    if step.target == StepTarget.MANAGER and step.level > 1:
        return _("the assignee's manager, level %(level)d") % {"level": step.level}
    return str(StepTarget(step.target).label)
