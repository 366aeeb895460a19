"""What became of answers that were on their way to the engine: everybody's copies say so."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from notifications import copies, lifecycle, representation, respond
from notifications.models import (
    CallbackState,
    Engine,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskState,
)
from notifications.types import Json


def engine_has_it(callback_id: UUID, state: CallbackState, detail: str, now: datetime) -> None:
    """The answer's callback ended: everybody's copies say so. A refused final answer opens the task again."""
    response = Response.objects.select_related("recipient").filter(pk=callback_id).first()
    if response is None:  # no answer: the engine was told that the task runs late
        return
    task = Task.objects.select_for_update(no_key=True, of=("self",)).get(pk=response.task_id)
    if state == CallbackState.REFUSED:
        _refused(task, response, detail, now)
    elif representation.tells_of(task.outcome, response):
        _say(task, copies.telling_copies(task), {**(task.outcome or {}), "engine": state, "detail": detail}, now)


def connected(engine: Engine, person: Recipient, now: datetime) -> None:
    """What waited for the person's account waits for the engine alone now: everybody's copies say so."""
    answers = Response.objects.select_related("recipient").filter(
        recipient=person, task__engine=engine, callback__state=CallbackState.WAITING
    )
    for response in answers:
        with transaction.atomic():
            task = Task.objects.select_for_update(no_key=True, of=("self",)).get(pk=response.task_id)
            if representation.tells_of(task.outcome, response) and "connect" in (task.outcome or {}):
                outcome = {name: said for name, said in (task.outcome or {}).items() if name != "connect"}
                _say(task, copies.telling_copies(task), outcome, now)


def _say(task: Task, rows: Any, outcome: Json, now: datetime, **fields: Any) -> None:
    task.outcome = outcome
    task.save(update_fields=["outcome", "state", "state_before", "updated_at"])
    copies.change(rows, now, outcome=outcome, **fields)


def _refused(task: Task, response: Response, detail: str, now: datetime) -> None:
    Response.objects.filter(pk=response.pk).update(counts=False)
    outcome = respond.outcome_of(response, CallbackState.REFUSED, detail)
    if response.effect == "final" and task.state == TaskState.ANSWERED:
        task.state, _, task.state_before = task.state_before.partition(">")
        answered = Notification.objects.filter(task=task, state=NotificationState.ANSWERED)
        _say(task, answered, outcome, now, state=NotificationState.OPEN, read_at=None)
        lifecycle.tell("reopened", task, by=response.recipient, now=now)
    elif (
        response.effect == "acknowledge"
        and task.state == TaskState.ACKNOWLEDGED
        and representation.tells_of(task.outcome, response)
    ):
        task.state = TaskState.OPEN
        _say(task, copies.open_copies(task), outcome, now)
        lifecycle.tell("reopened", task, by=response.recipient, now=now)
    elif (
        response.effect == "request_info"
        and task.state == TaskState.INFO_REQUESTED
        and representation.tells_of(task.outcome, response)
    ):
        task.state, task.state_before = task.state_before or TaskState.OPEN, ""
        _say(task, copies.open_copies(task), outcome, now)
        lifecycle.tell("resumed", task, by=response.recipient, now=now)
