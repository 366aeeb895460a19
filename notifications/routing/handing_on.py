"""Gives an open task to further people, each as somebody's copy of it came, by an event of the product's own."""

from collections.abc import Collection, Sequence
from datetime import datetime

from notifications.cases.facts import facts_of_task
from notifications.channel_facts import INBOX
from notifications.models import Event, Notification, Task
from notifications.routing import fanout
from notifications.routing.addressing import Contacts
from notifications.routing.plan import Plan
from notifications.routing.route import Manner
from notifications.wording.batch_render import Writer
from wfpush.postgres import bulk
from wfpush.queue import outbox


def manner_of(copy: Notification, *, loud: bool) -> Manner:
    """Return the manner in which the copy came: by all channels of its category, or by the inbox only unless `loud`.
    Reads the copy's recipient, brand, category, route and template version."""
    return Manner(
        name=copy.route.name if copy.route is not None else "",
        category=copy.category,
        channels=copy.category.channels if loud else (INBOX,),
        version=copy.template_version,
        brand=copy.brand if copy.brand_id != copy.recipient.brand_id else None,
        answer_from_email=copy.answer_from_email,
        answer_from_push=copy.answer_from_push,
        route=copy.route,
        escalated=copy.escalated,
    )


def planner_of(
    event: Event, task: Task, colleagues: Collection[int], now: datetime, contacts: Contacts
) -> fanout.Planner:
    """Return the planner of the task's event, not saved. `colleagues`: the keys of everybody who has the task."""
    writer = Writer(event, task, facts_of_task(task, task.case, event))
    planner = fanout.Planner(event, task, task.case, writer, Plan(), now, True, contacts)
    planner.colleagues = set(colleagues)
    return planner


def save(planners: Sequence[fanout.Planner], now: datetime) -> None:
    """Save the events with their traces, and all copies and deliveries. The tasks and all people are locked."""
    for planner in planners:
        event, plan = planner.event, planner.plan
        event.plan, event.told, event.unresolved = plan.as_json(), len(planner.deliveries), len(plan.unresolved)
    bulk.insert([planner.event for planner in planners])
    fanout.save(planners, now)
    outbox.wake_on_commit("deliveries")
