"""Clocks of tasks, whose steps remind people and escalate; and the holidays of their calendars for quiet hours."""

from django.utils.translation import gettext_lazy as _

from escalations import kinds  # noqa: F401  # registers the kinds of steps
from escalations.clocks import clock, due_steps
from escalations.models import Escalation
from escalations.policies import matching
from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    ApiPaths,
    Columns,
    ConfigEffects,
    ConfigPart,
    ConfigTable,
    DeskList,
    DeskPage,
    DeskPanel,
    OverviewPanel,
    PausedTasks,
    PersonalData,
    Rights,
    RouteDoubts,
    RuleModel,
    SearchKind,
    Section,
)
from notifications.cases.lifecycle import TaskObserver
from notifications.preferences.lookup import Holidays
from wfpush.features import Feature
from wfpush.observability.additions import Queue
from wfpush.processes.demo import DemoAccounts

RULES = (
    "escalations.businesscalendar",
    "escalations.calendarday",
    "escalations.teamcalendar",
    "escalations.personcalendar",
    "escalations.policy",
    "escalations.policycondition",
    "escalations.policystep",
)
LEDGERS = ("escalations.escalation", "escalations.steprun")

PERSONAL_DATA = PersonalData(
    tables={
        "escalations.escalation": Columns(words="why_fact end_reason_fact", plain="state", case="task__case"),
        "escalations.steprun": Columns(words="why_fact told", plain="result", case="escalation__task__case"),
        "escalations.rules": Columns(words="data", plain="digest"),
        "escalations.personcalendar": Columns(),
        "escalations.teamcalendar": Columns(),
        "escalations.businesscalendar": Columns(words="name", plain="timezone week country subdivision"),
        "escalations.historicalbusinesscalendar": Columns(
            words=f"parts name{CHANGE_REASON}", plain=f"timezone week country subdivision{HISTORY_TYPE}"
        ),
        "escalations.calendarday": Columns(words="note", plain="hours"),
        "escalations.policy": Columns(words="name", plain="clock time calendar_of on_acknowledge"),
        "escalations.historicalpolicy": Columns(
            words=f"parts name{CHANGE_REASON}", plain=f"clock time calendar_of on_acknowledge{HISTORY_TYPE}"
        ),
        "escalations.policycondition": Columns(words="value", plain="path operator"),
        "escalations.policystep": Columns(plain="kind time target ref channels priority"),
    },
    go=[("escalations.personcalendar", "recipient")],
    stay=[
        ("escalations.policy", "fallback"),
        ("escalations.historicalpolicy", "fallback"),
        ("escalations.policystep", "person"),
    ],
    named_by=[("escalations.policy", "fallback"), ("escalations.policy", "steps__person")],
    export={"working_time": Section("escalations.personcalendar", "recipient")},
)

DESK = (
    DeskPage("sla", _("SLA overview"), "escalations.admin.sla_report"),
    DeskList("sla", "escalations.policy"),
    DeskList("sla", "escalations.businesscalendar"),
    DeskList("sla", "escalations.escalation"),
    DeskPage("sla", _("Simulator"), "escalations.admin.simulator"),
    DeskPage("rules", _("New rule"), "escalations.admin.rules.page", is_tab=False),
    DeskPage("rules", _("Dead ends"), "escalations.admin.dead_ends"),
    SearchKind("escalations.admin.policies.SEARCH"),
    OverviewPanel("notifications.task", "escalations.admin.sla_report.panel"),
    OverviewPanel("escalations.policy", "escalations.admin.dead_ends.panel"),
    RouteDoubts("escalations.admin.dead_ends.warnings"),
    DeskPanel("notifications.task", "escalations.admin.chains.EscalationInline"),
    PausedTasks("escalations.compliance.paused_tasks"),
    RuleModel("escalations.policy", "escalations.admin.policies.read_policy"),
)

RIGHTS = (
    Rights(roles.ADMINISTRATORS, RULES),
    Rights(roles.ADMINISTRATORS, LEDGERS, ["view"]),
    Rights(roles.OPERATORS, [*RULES, *LEDGERS], ["view"]),
    Rights(roles.RULE_EDITORS, RULES),
    Rights(roles.RULE_EDITORS, LEDGERS, ["view"]),
    Rights(roles.AUDITORS, [*RULES, *LEDGERS], ["view"]),
)

CONFIG = (
    ConfigTable(
        "escalations.businesscalendar",
        "name",
        kind="calendars",
        fields="timezone week country subdivision",
        parts=[ConfigPart("days", "date hours note"), ConfigPart("teams", "team")],
    ),
    ConfigTable(
        "escalations.policy",
        "name",
        kind="policies",
        fields="enabled position route engine clock minutes time calendar calendar_of pauses on_acknowledge "
        "hold_minutes fallback",
        parts=[
            ConfigPart("conditions", "path operator value"),
            ConfigPart(
                "steps",
                "offset kind time target level team person ref template category channels critical priority "
                "repeat_every repeats",
            ),
        ],
    ),
    ConfigEffects("escalations.admin.config_effects.Effects"),
)
"""What is in files, for the feature of configuration as files."""

FEATURE = Feature(
    name="escalations",
    adds=[
        *due_steps.SOURCES,
        Queue("clocks", Escalation),
        TaskObserver(clock.observe, 100, look_up=clock.look_up, stands_still=clock.is_paused),
        Holidays(matching.holidays_of),
        ApiPaths("escalations.api.urls"),
        DemoAccounts("escalations.management.demo_accounts.prepare"),
        *DESK,
        *RIGHTS,
        *CONFIG,
        PERSONAL_DATA,
    ],
)
