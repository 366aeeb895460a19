"""What is wrong with a policy and its steps, in sentences: before it is saved, or comes from elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from escalations.calendars.working_time import BadCalendar, Calendar, NoWorkingTime
from escalations.kinds.wording import duration
from escalations.models import Clock, OnAcknowledge, Policy, PolicyStep, StepKind, StepTarget, TimeKind
from escalations.models.policies import MOST_MINUTES
from notifications.channels import TRANSPORTS
from notifications.models import VersionState

MOST_STEPS = 50
CHANNELS = ("live", *(transport.channel for transport in TRANSPORTS))

Said = Iterator[tuple[str, str]]
"""A field and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`field` is the model's. `step` is its place in the list, from 0 on; None: it is the policy's own."""

    field: str
    sentence: str
    step: int | None = None


def faults_of(policy: Policy, steps: Sequence[PolicyStep], now: datetime) -> list[Fault]:
    """Neither needs to be saved; what they point to does. Each value is among its field's choices."""
    own = [Fault(field, sentence) for field, sentence in of_policy(policy)]
    return own + [Fault(field, sentence, at) for at, field, sentence in of_steps(policy, steps, now)]


# --- the policy's own -------------------------------------------------------------------------------------------------
def of_policy(policy: Policy) -> Said:
    if policy.clock == Clock.DURATION and not policy.minutes:
        yield "minutes", _("Write how long the task may take.")
    if policy.time == TimeKind.BUSINESS and policy.calendar is None:
        yield "calendar", _("Choose the calendar by which working time is counted.")
    if policy.on_acknowledge == OnAcknowledge.HOLDS and not policy.hold_minutes:
        yield "hold_minutes", _("Write for how long nobody is told.")
    try:
        reckoning_of(policy)
    except BadCalendar as fault:
        yield "calendar", _("This calendar cannot be reckoned with: %(fault)s") % {"fault": fault}


def reckoning_of(policy: Policy) -> Calendar | None:
    """Raises BadCalendar."""
    return policy.calendar.reckoning() if policy.calendar is not None else None


# --- its steps --------------------------------------------------------------------------------------------------------
def of_steps(policy: Policy, steps: Sequence[PolicyStep], now: datetime) -> Iterator[tuple[int, str, str]]:
    """The place of each faulty step, its field and a sentence."""
    if len(steps) > MOST_STEPS:
        yield MOST_STEPS, "kind", _("A policy has at most %(count)d steps.") % {"count": MOST_STEPS}
    try:
        calendar = reckoning_of(policy)
    except BadCalendar:
        calendar = None
    for at, step in enumerate(steps):
        for field, sentence in (*NEEDS[StepKind(step.kind)](step), *_repetition(step), *_time(policy, step)):
            yield at, field, sentence
        if calendar is not None and not _is_reached(policy, step, calendar, now):
            text = _("The calendar “%(calendar)s” holds no working time so far ahead: this never comes.")
            yield at, "offset", text % {"calendar": policy.calendar}


def _notify(step: PolicyStep) -> Said:
    if not step.target:
        yield "target", _("Choose who is told.")
    elif step.target == StepTarget.TEAM and step.team_id is None:
        yield "team", _("Choose the team.")
    elif step.target == StepTarget.PERSON and step.person_id is None:
        yield "person", _("Choose the person.")
    if step.template is None:
        yield "template", _("Choose the template that words the message.")
    elif not step.template.versions.filter(state=VersionState.PUBLISHED).exists():
        yield "template", _("The template “%(template)s” has no published version.") % {"template": step.template}
    if step.category_id is None:
        yield "category", _("Choose the category, which names the channels.")
    unknown = [channel for channel in step.channels if channel not in CHANNELS]
    if unknown:
        told = {"unknown": ", ".join(unknown), "known": ", ".join(CHANNELS)}
        yield "channels", _("There is no channel %(unknown)s; there are %(known)s.") % told


ONE_PERSON = (StepTarget.MANAGER, StepTarget.TEAM_LEAD, StepTarget.PERSON)
"""Targets to whom a task can be given."""


def _reassign(step: PolicyStep) -> Said:
    if step.target not in ONE_PERSON:
        yield "target", _("Choose one person who gets the task: the manager, the lead or a named person.")
    elif step.target == StepTarget.PERSON and step.person is None:
        yield "person", _("Choose the person.")
    elif step.target == StepTarget.PERSON and step.person is not None and step.person.external:
        yield "person", _("%(person)s is not of your own organisation.") % {"person": step.person}


def _raise_priority(step: PolicyStep) -> Said:
    if not step.priority:
        yield "priority", _("Choose the priority that the task gets.")


def _nothing(step: PolicyStep) -> Said:
    yield from ()


NEEDS: dict[StepKind, Callable[[PolicyStep], Said]] = {
    StepKind.NOTIFY: _notify,
    StepKind.RAISE_PRIORITY: _raise_priority,
    StepKind.TELL_ENGINE: _nothing,
    StepKind.REASSIGN: _reassign,
}


def _repetition(step: PolicyStep) -> Said:
    if step.repeats and not step.repeat_every:
        yield "repeat_every", _("Write after how long it is repeated.")
    elif step.repeat_every and not step.repeats:
        yield "repeats", _("Write how often it is repeated.")
    elif step.repeat_every and step.repeat_every * step.repeats > MOST_MINUTES:
        yield "repeats", _("Repetitions may go on for a year at the most.")


def _time(policy: Policy, step: PolicyStep) -> Said:
    if step.time == TimeKind.BUSINESS and policy.calendar is None:
        yield "time", _("Working time needs the policy's calendar: choose one, or count by the clock.")
    if _is_before_the_clock(policy, step):
        whole = duration(policy.minutes or 0)
        yield "offset", _("This is before the clock begins: the whole time is %(span)s.") % {"span": whole}


def _is_before_the_clock(policy: Policy, step: PolicyStep) -> bool:
    """Working time never passes faster than the clock's, so it is before the clock's beginning, too."""
    if policy.clock != Clock.DURATION or not policy.minutes:
        return False
    return step.time in (policy.time, TimeKind.BUSINESS) and step.offset < -policy.minutes


def _is_reached(policy: Policy, step: PolicyStep, calendar: Calendar, now: datetime) -> bool:
    """Whether the calendar goes on as far as the last repetition; for a step before due, as far as it looks back."""
    minutes = max(abs(step.offset), step.offset + step.repeats * (step.repeat_every or 0))
    ahead = minutes if step.time == TimeKind.BUSINESS else 0
    if policy.clock == Clock.DURATION and policy.time == TimeKind.BUSINESS:
        ahead += policy.minutes or 0
    try:
        calendar.add(now, timedelta(minutes=ahead))
    except NoWorkingTime:
        return False
    return True
