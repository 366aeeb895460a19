"""The routes of a fresh installation, in the order in which they are tried.

These routes are tried after those that administrators add, whose priority is 100 unless they choose another.
"""

from dataclasses import dataclass
from typing import Literal

FIRST_PRIORITY = 900
STEP = 10

WAITING = ("task.assigned", "task.updated", "task.info_supplied")
"""Events of tasks that wait. Events that end a task withdraw its copies, whatever the routes say."""

TargetName = Literal[
    "assignee", "candidates", "task_teams", "team_lead", "manager", "initiator", "followers", "recipients", "customer"
]


@dataclass(frozen=True)
class RouteSeed:
    """`conditions` are path, operator and value. A route that matches ends the search unless `goes_on`."""

    name: str
    event_types: tuple[str, ...]
    category: str
    template: str
    targets: tuple[TargetName, ...]
    conditions: tuple[tuple[str, str, str], ...] = ()
    goes_on: bool = False


ROUTES = (
    RouteSeed(
        "Field work", WAITING, "field-work", "field-work", ("assignee", "candidates", "task_teams"),
        conditions=(("task.kind", "eq", "field"),),
    ),
    RouteSeed(
        "Exceptions that need a person", WAITING, "incidents", "task", ("assignee", "candidates", "task_teams"),
        conditions=(("task.kind", "eq", "exception"),),
    ),
    RouteSeed("Tasks", WAITING, "approvals", "task", ("assignee", "candidates", "task_teams")),
    RouteSeed("Tasks that wait too long", ("task.escalated",), "approvals", "task-escalated", ("team_lead", "manager")),
    RouteSeed(
        "Questions about a task", ("task.info_requested",), "approvals", "information-requested", ("initiator",)
    ),
    RouteSeed("Exceptions", ("exception.raised",), "incidents", "exception-raised", ("task_teams", "recipients")),
    RouteSeed(
        "Exceptions solved", ("exception.resolved",), "incidents", "exception-resolved", ("task_teams", "recipients")
    ),
    RouteSeed(
        "Case milestones", ("case.status_changed",), "case-updates", "case-milestone", ("recipients", "followers")
    ),
    RouteSeed(
        "Customer updates", ("request.status_changed",), "customer-updates", "customer-update",
        ("customer", "recipients"), goes_on=True,
    ),
    RouteSeed(
        "Followers of a customer's request", ("request.status_changed",), "case-updates", "case-milestone",
        ("followers",),
    ),
    RouteSeed(
        "Other events that name people", (), "case-updates", "general", ("recipients", "followers"),
        conditions=(("recipients", "exists", ""),),
    ),
    RouteSeed(
        "Other events about a case", (), "case-updates", "general", ("followers",),
        conditions=(("case.id", "exists", ""),),
    ),
)  # fmt: skip
