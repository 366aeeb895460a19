"""Finds faults of a policy and its steps: before it is saved on a form, or when it comes from a program."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from escalations.calendars.working_time import BadCalendar, Calendar, NoWorkingTime
from escalations.kinds import KINDS
from escalations.kinds.base import Faults
from escalations.kinds.wording import duration
from escalations.models import Clock, OnAcknowledge, Policy, PolicyStep, TimeKind
from escalations.models.policies import MOST_MINUTES

MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `field`: of the step or policy. `step`: the step's place in the list from 0; None: the policy."""

    field: str
    sentence: str
    step: int | None = None


def faults_of(policy: Policy, steps: Sequence[PolicyStep], now: datetime) -> list[Fault]:
    """Return the faults of a policy and its steps, saved or not. Rows that these refer to must be saved, and values
    must be among the choices."""
    own = [Fault(field, sentence) for field, sentence in of_policy(policy)]
    return own + [Fault(field, sentence, at) for at, field, sentence in of_steps(policy, steps, now)]


# --- faults of the policy ---------------------------------------------------------------------------------------------
def of_policy(policy: Policy) -> Faults:
    if policy.clock == Clock.DURATION and not policy.minutes:
        yield "minutes", _("Enter how long the task may take.")
    if policy.time == TimeKind.BUSINESS and policy.calendar is None:
        yield "calendar", _("Choose the calendar that defines working time.")
    if policy.on_acknowledge == OnAcknowledge.HOLDS and not policy.hold_minutes:
        yield "hold_minutes", _("Enter how long nobody is notified.")
    if policy.calendar is not None:
        try:
            policy.calendar.reckoning()
        except BadCalendar as fault:
            yield "calendar", _("This calendar cannot be used: %(fault)s") % {"fault": fault}


# --- faults of the steps ----------------------------------------------------------------------------------------------
def of_steps(policy: Policy, steps: Sequence[PolicyStep], now: datetime) -> Iterator[tuple[int, str, str]]:
    """Yield the place of each faulty step from 0, its field and a sentence."""
    if len(steps) > MOST_STEPS:
        yield MOST_STEPS, "kind", _("A policy has at most %(count)d steps.") % {"count": MOST_STEPS}
    calendar = policy.calendar.reckoning_or_none() if policy.calendar is not None else None
    for at, step in enumerate(steps):
        for field, sentence in (*KINDS[step.kind].faults(step), *_repetition(step), *_time(policy, step)):
            yield at, field, sentence
        if calendar is not None and not _is_reached(policy, step, calendar, now):
            text = _("The calendar “%(calendar)s” has no working time that far ahead: this never happens.")
            yield at, "offset", text % {"calendar": policy.calendar}


def _repetition(step: PolicyStep) -> Faults:
    if step.repeats and not step.repeat_every:
        yield "repeat_every", _("Enter the time between repetitions.")
    elif step.repeat_every and not step.repeats:
        yield "repeats", _("Enter the number of repetitions.")
    elif step.repeat_every and step.repeat_every * step.repeats > MOST_MINUTES:
        yield "repeats", _("Repetitions may last at most one year.")


def _time(policy: Policy, step: PolicyStep) -> Faults:
    if step.time == TimeKind.BUSINESS and policy.calendar is None:
        yield "time", _("Working time needs the policy's calendar: choose one, or count around the clock.")
    whole = policy.minutes if policy.clock == Clock.DURATION else None
    # Working time never passes faster than wall clock time, so this is certain.
    if whole and step.time in (policy.time, TimeKind.BUSINESS) and step.offset < -whole:
        text = _("This is before the clock starts: the total time is %(span)s.")
        yield "offset", text % {"span": duration(whole)}


def _is_reached(policy: Policy, step: PolicyStep, calendar: Calendar, now: datetime) -> bool:
    """Return whether the calendar reaches the last repetition, and as far ahead as a step before the due date is
    back."""
    minutes = max(abs(step.offset), step.offset + step.repeats * (step.repeat_every or 0))
    ahead = minutes if step.time == TimeKind.BUSINESS else 0
    if policy.clock == Clock.DURATION and policy.time == TimeKind.BUSINESS:
        ahead += policy.minutes or 0
    try:
        calendar.add(now, timedelta(minutes=ahead))
    except NoWorkingTime:
        return False
    return True
