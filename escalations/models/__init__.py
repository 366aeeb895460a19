"""The tables of working time, SLA policies and clocks, one file for each concept.

In: nothing but the models of `notifications`.
Out: models.
"""

from escalations.models.calendars import BusinessCalendar, CalendarDay, PersonCalendar, TeamCalendar
from escalations.models.chains import OVER, Escalation, EscalationState, Rules, RunResult, StepRun
from escalations.models.policies import (
    CalendarOf,
    Clock,
    OnAcknowledge,
    Policy,
    PolicyCondition,
    PolicyStep,
    StepTarget,
    TimeKind,
)
