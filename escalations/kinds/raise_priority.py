"""Kind `raise_priority`: raises the priority of the task, and of its copies."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalations import reasons
from escalations.kinds.base import (
    Faults,
    StepDescription,
    StepKind,
    StepOutcome,
    Taking,
    event_of,
    planner_of,
    told_by,
    with_plan,
)
from escalations.models import PolicyStep, RunResult
from notifications.cases import task_state
from notifications.items import inbox_items
from notifications.models import Notification, Priority
from notifications.reasons import NOTHING, URGENT, label
from notifications.routing import fanout
from notifications.routing.addressing import Contacts
from notifications.routing.batch import Copies
from wfpush.postgres import bulk
from wfpush.queue import outbox

ORDER = [priority.value for priority in Priority]


class RaisePriority(StepKind):
    kind = "raise_priority"
    label = gettext_lazy("raise the priority")
    fields = ("priority",)

    def take(self, takings: Sequence[Taking]) -> list[StepOutcome]:
        outcomes: dict[Any, StepOutcome] = {}
        rising = []
        for taking in takings:
            had = Priority(taking.task.priority)
            if ORDER.index(had) < ORDER.index(taking.step.priority):
                rising.append(taking)
            else:
                outcomes[taking.escalation.pk] = StepOutcome(RunResult.DONE, reasons.PRIORITY_WAS(priority=label(had)))
        outcomes |= _raise(rising)
        return [outcomes[taking.escalation.pk] for taking in takings]

    def faults(self, step: PolicyStep) -> Faults:
        if not step.priority:
            yield "priority", _("Choose the priority that the task gets.")

    def says(self, step: StepDescription) -> str:
        priority = Priority(step.priority).label if step.priority else "–"
        return _("raise the priority to %(priority)s") % {"priority": priority}


def _raise(takings: Sequence[Taking]) -> dict[Any, StepOutcome]:
    """Raise the priorities of all tasks together. Return the outcomes by clock."""
    if not takings:
        return {}
    contacts = Contacts()
    tasks = [taking.task for taking in takings]
    copies = Copies(tasks)
    people = {row.recipient_id: row.recipient for row in copies.all()}
    inbox_items.lock(set(people))
    if any(taking.step.priority == Priority.URGENT for taking in takings):
        contacts.look_up(people.values())
    planners = {taking.escalation.pk: _reword(taking, copies.of(taking.task), contacts) for taking in takings}
    bulk.update(tasks, ["priority", "data", "updated_at"])
    bulk.insert([with_plan(planner) for planner in planners.values()])
    fanout.save([*planners.values()], takings[0].now)
    outbox.wake_on_commit("deliveries")
    outcomes = {}
    for taking in takings:
        planner = planners[taking.escalation.pk]
        why = reasons.PRIORITY_IS(priority=label(Priority(taking.step.priority)))
        outcomes[taking.escalation.pk] = StepOutcome(RunResult.DONE, why, told_by(planner.plan), planner.event)
    return outcomes


def _reword(taking: Taking, copies: Sequence[Notification], contacts: Contacts) -> fanout.Planner:
    task, priority = taking.task, taking.step.priority
    task.priority = priority
    task.data = task_state.merged(task.data, {"task": {"priority": priority}})  # the next event keeps it
    planner = planner_of(taking, event_of(taking), contacts)
    planner.rewrite(copies, alert=URGENT() if priority == Priority.URGENT else NOTHING)
    return planner
