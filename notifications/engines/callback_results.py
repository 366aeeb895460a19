"""Records on all copies of a task what happened to an answer on its way to the engine."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet

from notifications.answers import reassigning
from notifications.answers.outcome import outcome_json
from notifications.cases import lifecycle, messages, pending_updates
from notifications.cases.visibility import copies_of
from notifications.connectors.reasons import NO_PLACE
from notifications.items import inbox_items, representation
from notifications.items.outcomes import CHANGED
from notifications.models import (
    Callback,
    CallbackState,
    Engine,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskMessage,
    TaskState,
)
from notifications.reasons import Reason, read
from notifications.types import Json
from wfpush.queue import outbox

REPLACED = ("detail", "detail_fact", "undo_until")
"""Members of an outcome that no longer hold when the engine has the answer."""

KEPT_HERE = "kept"
"""The state of a message that the engine was not told: it has no place for messages, was done with the task, or the
task was decided before."""


def engine_has_it(callback_id: UUID, state: CallbackState, reason: Reason, now: datetime) -> None:
    """Update all copies after the callback has ended. A refused final answer opens the task again."""
    response = Response.objects.select_related("recipient").filter(pk=callback_id).first()
    if response is None:  # no answer: a message, or a call of an SLA step or of a forward
        _call_ended(callback_id, now)
        return
    task = Task.objects.select_for_update(no_key=True, of=("self",)).get(pk=response.task_id)
    if response.effect == "final" and state in (CallbackState.DELIVERED, CallbackState.HANDLED):
        pending_updates.drop([task.pk])
    if state == CallbackState.REFUSED:
        _refused(task, response, reason, now)
    elif representation.tells_of(task.outcome, response):
        engine = KEPT_HERE if reason.code == NO_PLACE.name else state
        before = {name: member for name, member in (task.outcome or {}).items() if name not in REPLACED}
        outcome = {**before, "engine": engine, "detail_fact": reason.as_json()}
        _write_outcome(task, inbox_items.telling_copies(task), outcome, now)


def _call_ended(callback_id: UUID, now: datetime) -> None:
    """Show on copies of the task that the call of a message, or for another assignee, has ended."""
    call = Callback.objects.filter(pk=callback_id).select_related("task").get()
    if TaskMessage.objects.filter(pk=callback_id).exists() or reassigning.is_request(call):
        task = Task.objects.select_for_update(no_key=True, of=("self",)).get(pk=call.task_id)
        inbox_items.create([], refreshed=list(copies_of(task).order_by("recipient_id")), now=now, keep=False)


def engine_states(messages: Iterable[TaskMessage]) -> Mapping[UUID, str]:
    """Return the state of each message that a person wrote: waiting, delivered, kept, handled, refused or failed."""
    ours = {message.pk: KEPT_HERE for message in messages if message.via}
    calls = Callback.objects.filter(pk__in=ours).only("state", "detail_fact")
    return ours | {call.pk: _of_call(call) for call in calls}


def _of_call(call: Callback) -> str:
    not_told = call.state == CallbackState.SUPERSEDED or read(call, "detail").code == NO_PLACE.name
    return KEPT_HERE if not_told else call.state


def waits_for_account(callback: Callback, now: datetime) -> None:
    """Update all copies: an answer waits for its person to connect their account."""
    _set_connect(callback, {"connect": callback.engine.name}, now)


def connected(engine: Engine, person: Recipient | None, now: datetime) -> None:
    """Update answers that waited for the person's account, or for any account: they now wait for the engine only."""
    waiting = Callback.objects.filter(engine=engine, state=CallbackState.WAITING, task__outcome__has_key="connect")
    if person is not None:
        waiting = waiting.filter(response__recipient=person)
    for callback in waiting.select_related("response__recipient"):
        with transaction.atomic():
            _set_connect(callback, {}, now)


def _set_connect(callback: Callback, connect: Json, now: datetime) -> None:
    """Change only `connect`, in outcomes that tell of this answer."""
    task = Task.objects.select_for_update(no_key=True, of=("self",)).get(pk=callback.task_id)
    response, before = callback.response, task.outcome or {}
    outcome = {**{name: member for name, member in before.items() if name != "connect"}, **connect}
    if response is not None and representation.tells_of(before, response) and outcome != before:
        _write_outcome(task, inbox_items.telling_copies(task), outcome, now)


def _write_outcome(task: Task, rows: Any, outcome: Json | None, now: datetime, **fields: Any) -> None:
    task.outcome = outcome
    task.save(update_fields=["outcome", "state", "states_before", "updated_at"])
    inbox_items.change(rows, now, outcome=outcome, **fields)


def _refused(task: Task, response: Response, reason: Reason, now: datetime) -> None:
    Response.objects.filter(pk=response.pk).update(counts=False)
    outcome = outcome_json(response, CallbackState.REFUSED, reason)
    if response.effect == "final" and task.state == TaskState.ANSWERED:
        _open_again(task, response, outcome, now, read_at=None, snoozed_until=None)
        _resume_calls(task.callbacks.filter(response=None), task, response, now)
    elif not representation.tells_of(task.outcome, response):
        return
    elif response.effect == "acknowledge" and task.state == TaskState.ACKNOWLEDGED:
        task.state = TaskState.OPEN
        _resume("reopened", task, response, outcome, now)
    elif response.effect == "request_info" and task.state == TaskState.INFO_REQUESTED:
        messages.return_to_state_before(task)
        _resume("resumed", task, response, outcome, now)


def _resume(moment: lifecycle.Moment, task: Task, response: Response, outcome: Json, now: datetime) -> None:
    lifecycle.notify_observers(moment, task, by=response.recipient, now=now)
    _write_outcome(task, inbox_items.open_copies(task), outcome, now, due_at=task.deadline, notice="")


def taken_back(task: Task, response: Response, now: datetime) -> None:
    """Reopen the task: its person has taken a final answer back before the engine was told. It no longer counts."""
    Response.objects.filter(pk=response.pk).update(counts=False)
    _open_again(task, response, None, now)
    _resume_calls(task.callbacks.all(), task, response, now)


def given_back(task: Task, response: Response, now: datetime) -> None:
    """Reopen the task: its content has changed before the engine was told, so the person is asked again."""
    Response.objects.filter(pk=response.pk).update(counts=False)
    outcome = outcome_json(response, CHANGED)
    _open_again(task, response, outcome, now, read_at=None, snoozed_until=None)
    _resume_calls(task.callbacks.all(), task, response, now)


def _open_again(task: Task, response: Response, outcome: Json | None, now: datetime, **fields: Any) -> None:
    messages.return_to_state_before(task)
    lifecycle.notify_observers("reopened", task, by=response.recipient, now=now)
    answered = Notification.objects.filter(task=task, state=NotificationState.ANSWERED)
    state: Json = {"state": NotificationState.OPEN, "due_at": task.deadline, "notice": ""}
    _write_outcome(task, answered, outcome, now, **state, **fields)
    pending_updates.release(task, now)


def _resume_calls(calls: QuerySet[Callback], task: Task, response: Response, now: datetime) -> None:
    """Send the calls that the answer had superseded after all."""
    overtaken = calls.filter(state=CallbackState.SUPERSEDED, ended_at=response.at)
    last = task.callbacks.aggregate(last=Max("position"))["last"] or 0
    for place, callback in enumerate(overtaken.order_by("position"), last + 1):
        callback.state, callback.position, callback.ended_at = CallbackState.WAITING, place, None
        callback.save(update_fields=["state", "position", "ended_at", *callback.make_due(now)])
    outbox.wake_on_commit("callbacks")
