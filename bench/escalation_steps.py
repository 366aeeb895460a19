"""Steps a second of one worker that does nothing else, each of which tells a manager. Run by bench.inside."""

import time
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bench.harness import Json
from escalations.clocks import due_steps
from escalations.models import Escalation, Policy, PolicyStep
from escalations.policies import rules
from notifications.models import Category, Engine, Notification, Recipient, Task, Template
from tests.support.multiplied import made_id, multiply
from wfpush.processes.garbage import tune_garbage_collection

PEOPLE = 200
STEPS, SINGLY = 3_000, 300


def main() -> Json:
    """In batches, and one by one."""
    now = timezone.now()
    _make_late_tasks(STEPS + SINGLY, now)
    tune_garbage_collection()  # as the cluster does
    due_steps.tick(now)  # warm
    rates = {"together": _rate(STEPS - due_steps.BATCH, now)}
    due_steps.BATCH = 1
    return {**rates, "singly": _rate(SINGLY, now)}


def _rate(steps: int, now: datetime) -> float:
    began, taken = time.perf_counter(), 0
    while taken < steps:
        taken += due_steps.tick(now)
    return taken / (time.perf_counter() - began)


@transaction.atomic
def _make_late_tasks(count: int, now: datetime) -> None:
    """Open tasks with an item in their assignee's inbox, whose clocks have begun and are due."""
    policy, first, approvals = make_policy(), _people()[0], Category.objects.get(slug="approvals")
    words = {"task_id": "T-0", "name": "Approve invoice 4711", "kind": "approval"}
    data = {"task": {"id": words["task_id"], "name": words["name"], "kind": words["kind"]}}
    task = Task.objects.create(
        engine=Engine.objects.get(), assignee=first, due_at=now, actions=["approve", "reject"], data=data, **words
    )
    times = {"created_at": now, "updated_at": now}
    item = Notification.objects.create(
        recipient=first, seq=1, task=task, category=approvals, title=task.name, state="open", is_copy=True, **times
    )
    clock = Escalation.objects.create(
        task=task,
        policy=policy,
        rules=rules.rules_row(policy, None),
        started_at=now,
        deadline=now,
        due_named=now,
        due_at=now,
    )
    others, person = range(1, count), f"{first.pk} + n %% {PEOPLE}"
    multiply(task, others, id=made_id(1), task_id="'T-' || n", assignee_id=person)
    multiply(item, others, id=made_id(2), task_id=made_id(1), recipient_id=person, seq=f"n / {PEOPLE} + 1")
    multiply(clock, others, id=made_id(3), task_id=made_id(1))
    Recipient.objects.filter(manager__isnull=False).update(inbox_seq=count // PEOPLE + 1)


def make_policy() -> Policy:
    """When a task is due, its assignee's manager is told."""
    policy = Policy.objects.create(name="Late", time="wall")
    late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
    PolicyStep.objects.create(policy=policy, time="wall", target="manager", template=late, category=category)
    return policy


def _people() -> list[Recipient]:
    """Each has a manager of their own."""
    managers = Recipient.objects.bulk_create(
        Recipient(ref=f"manager-{number}", email=f"m{number}@example.org") for number in range(PEOPLE)
    )
    return Recipient.objects.bulk_create(
        Recipient(ref=f"person-{number}", manager=manager) for number, manager in enumerate(managers)
    )
