"""Writes waiting tasks, with clocks that are about to be late, into the database as fast as possible, for measuring.

Run by bench.escalation_clock, which has set Django up.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from escalations.models import Escalation, Policy, PolicyStep
from escalations.policies import rules
from notifications.models import Category, Engine, Notification, NotificationState, Recipient, Task, Template

PEOPLE = 200
FAR = timedelta(days=30)
CHUNK = 1000


def policy() -> Policy:
    """A policy: when a task is due, its assignee's manager is told."""
    made = Policy.objects.create(name="Late", time="wall")
    late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
    PolicyStep.objects.create(policy=made, time="wall", target="manager", template=late, category=category)
    return made


def people() -> list[Recipient]:
    """People, each with a manager of their own."""
    managers = Recipient.objects.bulk_create(
        Recipient(ref=f"manager-{number}", email=f"m{number}@example.org") for number in range(PEOPLE)
    )
    return Recipient.objects.bulk_create(
        Recipient(ref=f"person-{number}", manager=manager) for number, manager in enumerate(managers)
    )


def tasks(count: int, made: Policy, staff: list[Recipient], due: list[datetime]) -> None:
    """Open tasks with a copy in their assignee's inbox, whose clocks have begun."""
    kept, engine = rules.rules_row(made, None), Engine.objects.get()
    category, now = Category.objects.get(slug="approvals"), timezone.now()
    seqs = dict.fromkeys((person.pk for person in staff), 0)
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        rows = Task.objects.bulk_create(_task(number, engine, staff, due) for number in numbers)
        copies = []
        for task in rows:
            assert task.assignee is not None
            seqs[task.assignee.pk] += 1
            copies.append(_copy(task, task.assignee, category, seqs[task.assignee.pk], now))
        Notification.objects.bulk_create(copies)
        Escalation.objects.bulk_create(_clock(task, made, kept, now) for task in rows)
    for pk, seq in seqs.items():
        Recipient.objects.filter(pk=pk).update(inbox_seq=seq)


def _task(number: int, engine: Engine, staff: list[Recipient], due: list[datetime]) -> Task:
    said = {"id": f"T-{number}", "name": f"Approve invoice {number}", "kind": "approval"}
    return Task(
        engine=engine,
        task_id=said["id"],
        name=said["name"],
        kind=said["kind"],
        assignee=staff[number % len(staff)],
        due_at=due[number],
        actions=["approve", "reject"],
        data={"task": said},
    )


def _copy(task: Task, person: Recipient, category: Category, seq: int, now: datetime) -> Notification:
    return Notification(
        recipient=person,
        seq=seq,
        task=task,
        category=category,
        title=task.name,
        state=NotificationState.OPEN,
        is_copy=True,
        created_at=now,
        updated_at=now,
    )


def _clock(task: Task, made: Policy, kept: Any, now: datetime) -> Escalation:
    assert task.due_at is not None
    due = {"deadline": task.due_at, "due_named": task.due_at, "due_at": task.due_at}
    return Escalation(task=task, policy=made, rules=kept, started_at=now, **due)


def many_more(count: int) -> None:
    """Copies of the rows, made by the database itself, due in a month and later."""
    task, clock = Task.objects.order_by("pk")[0], Escalation.objects.order_by("pk")[0]
    ids = "('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid"
    _multiply(Task, task.pk, count, {"id": ids, "task_id": "'more-' || n"})
    later = f"now() + interval '{FAR.days} days' + n * interval '1 second'"
    _multiply(Escalation, clock.pk, count, {"id": ids, "task_id": ids, "due_at": later, "deadline": later})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE escalations_escalation")


def _multiply(model: type[models.Model], pk: Any, count: int, own: dict[str, str]) -> None:
    columns = [field.column for field in model._meta.concrete_fields]
    chosen = ", ".join(own.get(str(column), f'row."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({names}) SELECT {chosen}"
            f" FROM {model._meta.db_table} row, generate_series(1, %s) n WHERE row.id = %s",
            [count, pk],
        )
