"""Clocks of tasks, whose steps remind people and escalate; and the holidays of their calendars for quiet hours."""

from escalations import kinds  # noqa: F401  # registers the kinds of steps
from escalations.clocks import clock, due_steps
from escalations.models import Escalation
from escalations.policies import matching
from notifications.additions import ApiPaths
from notifications.cases.lifecycle import TaskObserver
from notifications.preferences.lookup import Holidays
from wfpush.features import Feature
from wfpush.management.demo import DemoAccounts
from wfpush.observability.additions import Queue

FEATURE = Feature(
    name="escalations",
    adds=[
        *due_steps.SOURCES,
        Queue("clocks", Escalation),
        TaskObserver(clock.observe, 100, look_up=clock.look_up, stands_still=clock.is_paused),
        Holidays(matching.holidays_of),
        ApiPaths("escalations.api.urls"),
        DemoAccounts("escalations.management.demo_accounts.prepare"),
    ],
)
