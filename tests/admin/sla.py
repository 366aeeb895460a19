"""What the desk's tests of working time and escalations share: Finance's calendar, its policy, and a late approval."""

from datetime import date, datetime, timedelta
from typing import Any

from escalations.clocks import due_steps
from escalations.models import (
    BusinessCalendar,
    CalendarDay,
    Escalation,
    Policy,
    PolicyCondition,
    PolicyStep,
    StepTarget,
)
from notifications.models import Category, Template
from tests.admin import world as story
from tests.admin.world import World

WEEK = {day: [["09:00", "12:30"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def calendar(**fields: Any) -> BusinessCalendar:
    said = {"name": "Munich", "timezone": "Europe/Berlin", "week": WEEK, "country": "DE", "subdivision": "BY", **fields}
    made = BusinessCalendar.objects.create(**said)
    CalendarDay.objects.create(calendar=made, date=date(2026, 12, 24), hours=[["09:00", "12:00"]], note="Christmas Eve")
    return made


def policy(**fields: Any) -> Policy:
    """A policy that tells the assignee an hour before, the lead when due, the manager an hour later and twice more."""
    said = {"name": "Approvals", "time": "wall", **fields}
    made = Policy.objects.create(**said)
    PolicyCondition.objects.create(policy=made, path="task.kind", value="approval")
    step(made, -60, StepTarget.ASSIGNEE)
    step(made, 0, StepTarget.TEAM_LEAD)
    step(made, 60, StepTarget.MANAGER, repeat_every=60, repeats=2)
    return made


def step(policy: Policy, offset: int, target: StepTarget, **fields: Any) -> PolicyStep:
    own = target == StepTarget.ASSIGNEE
    return PolicyStep.objects.create(
        policy=policy,
        offset=offset,
        target=target,
        time="wall",
        template=Template.objects.get(slug="task-reminder" if own else "task-late"),
        category=Category.objects.get(slug="approvals"),
        **fields,
    )


def assign(world: World, task_id: str, due: datetime, **people: Any) -> Escalation:
    """A task whose clock runs."""
    people = people or {"assignee": "bob", "teams": ["finance"]}
    story.send(world, f"sla-{task_id}", "task.assigned", story.invoice(task_id, 4800, due=due, **people))
    return Escalation.objects.get(task__task_id=task_id)


def tick(now: datetime) -> None:
    while due_steps.tick(now):
        pass


def escalated(world: World) -> Escalation:
    """A late task of which Bob was reminded and Carol was told."""
    clock = assign(world, "T-201", world.now + timedelta(hours=2))
    tick(world.now + timedelta(hours=1))
    tick(world.now + timedelta(hours=2))
    clock.refresh_from_db()
    return clock
