"""What a kind of step says of itself. A new kind is one file beside this one and one line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from escalations.kinds.step_run import Taken, Taking
from escalations.models import Escalation, PolicyStep, StepTarget
from escalations.policies.rules import Occurrence, Step
from notifications.wording.sentences import Text

Faults = Iterator[tuple[str, str]]
"""A field and what is wrong with it."""

PEOPLE = ("target", "level", "team", "person")
"""Fields of a kind that is for somebody."""


@dataclass(frozen=True, slots=True)
class Said:
    """A step, with the names of what it points to. Times are in minutes."""

    kind: str
    offset: int
    time: str
    repeat_every: int
    repeats: int
    target: str
    level: int
    team: str
    person: str
    priority: str


class StepKind:
    """One kind of step. `kind` is what policies and rules keep, in 20 characters at most; `label` its name on forms."""

    kind: ClassVar[str]
    label: ClassVar[Text]
    fields: ClassVar[tuple[str, ...]] = ()
    """Fields of PolicyStep that it uses, beside its time and repetition: all others are hidden, and emptied."""
    targets: ClassVar[Sequence[StepTarget]] = tuple(StepTarget)
    """Whom it may be for, where it uses `target`."""
    is_message: ClassVar[bool] = False
    """Of messages that were missed in an outage, the last speaks for all; other kinds are made up for one by one."""
    afterwards: ClassVar[Text] = ""
    """What the simulator says where it was done: what happens then that nobody can foresee."""

    def take(self, takings: Sequence[Taking]) -> list[Taken]:
        """Of different tasks, one step each, at least one; in the transaction that records it. The simulator rolls it
        back: what leaves this database is a row of the outbox."""
        raise NotImplementedError

    def faults(self, step: PolicyStep) -> Faults:
        """What must be filled in before it is saved."""
        yield from ()

    def says(self, said: Said) -> str:
        """What happens, in the reader's language: “remind the assignee”."""
        raise NotImplementedError

    def came_too_late(self, occurrence: Occurrence, escalation: Escalation) -> bool:
        """A step for which the task left no time. What is late already when it comes is told of all the same."""
        return occurrence.at < escalation.started_at and occurrence.at < escalation.deadline

    def channels(self, step: Step, row: PolicyStep) -> Iterable[str] | None:
        """By which those whom it is for hear of it. None: not by this step."""
        return None


def whom(said: Said) -> str:
    """Whom a step is for."""
    if said.target == StepTarget.TEAM and said.team:
        return _("the members of %(team)s") % {"team": said.team}
    if said.target == StepTarget.TEAM_LEAD:
        return _("the lead of %(team)s") % {"team": said.team} if said.team else _("the team lead")
    if said.target == StepTarget.PERSON and said.person:
        return said.person
    if said.target == StepTarget.MANAGER and said.level > 1:
        return _("the assignee's manager, level %(level)d") % {"level": said.level}
    return str(StepTarget(said.target).label)
