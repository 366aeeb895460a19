"""The event of a step: its messages are planned like those of any other event."""

from escalations.kinds.step_run import Taking
from notifications.cases.facts import facts_of_task
from notifications.models import Event
from notifications.routing import fanout
from notifications.routing.addressing import Contacts
from notifications.routing.plan import Plan
from notifications.types import Json
from notifications.wording.batch_render import Writer


def planner_of(taking: Taking, event: Event, contacts: Contacts) -> fanout.Planner:
    task = taking.task
    writer = Writer(event, task, facts_of_task(task, task.case, event))
    return fanout.Planner(event, task, task.case, writer, Plan(), taking.now, True, contacts)


def with_plan(planner: fanout.Planner) -> Event:
    """The event, to be inserted before what was planned is saved."""
    event = planner.event
    event.plan, event.told = planner.plan.as_json(), len(planner.deliveries)
    return event


def told_by(plan: Plan) -> list[Json]:
    """Without ids, since those of a simulation differ."""
    return [
        {
            "ref": each["ref"],
            "name": each["name"],
            "reason_fact": each["reason_fact"],
            "title": each["title"],
            "channels": each["channels"],
        }
        for each in plan.recipients
    ]
