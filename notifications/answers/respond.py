"""Records a person's answer once, with the callback that tells the engine, and changes every copy. One final answer
wins."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from notifications import reasons
from notifications.answers import answer_body, four_eyes, person_variables
from notifications.answers.account_required import must_connect
from notifications.cases import lifecycle
from notifications.channel_facts import reaches_devices
from notifications.errors import (
    AlreadyAnswered,
    AlreadyHandled,
    CommentRequired,
    Expired,
    FourEyes,
    IdempotencyKeyReused,
    InvalidAnswer,
    NotAllowed,
    NotFound,
    Withdrawn,
)
from notifications.items import inbox_items, ledger, representation
from notifications.models import (
    ANSWERABLE,
    CLOSED,
    ActionToken,
    Callback,
    CallbackState,
    Event,
    IdempotencyKey,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskState,
)
from notifications.people import devices
from notifications.reasons import Reason
from notifications.types import Action, Json
from notifications.wording.plaintext import clean
from wfpush.crypto import digest_of
from wfpush.identifiers import uuid7
from wfpush.queue import outbox

MAX_COMMENT = 4_000
MAX_VARIABLES = 64 * 1024
"""Bytes of an answer's variables as JSON; the same as for an event's data."""


@dataclass(frozen=True)
class Answer:
    """A person's answer, and how it came. `offered`: the actions that its token was made for; None: all actions of the
    copy.

    `delivery`: the message whose token it was.
    """

    action: str
    comment: str = ""
    variables: Json = field(default_factory=dict)
    via: str = "api"
    idempotency_key: str = ""
    offered: tuple[str, ...] | None = None
    delivery: UUID | None = None

    @property
    def fingerprint(self) -> str:
        said = json.dumps([self.action, self.comment, self.variables], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Recorded:
    """The recorded answer. `created` is False when the same answer was recorded before."""

    response: Response
    created: bool


def respond(notification: Notification, answer: Answer, *, now: datetime) -> Recorded:
    """Record a person's answer on their copy.

    Raises IdempotencyKeyReused, AlreadyAnswered, AlreadyHandled, Withdrawn, Expired, NotAllowed, FourEyes,
    CommentRequired, InvalidAnswer.
    """
    try:
        return _respond(notification, answer, now)
    except FourEyes as refused:
        said = {"action": answer.action, "comment": answer.comment, "via": answer.via}
        four_eyes.record_refusal(notification, **said, refused=refused, now=now)
        raise


def _respond(notification: Notification, answer: Answer, now: datetime) -> Recorded:
    if notification.task_id is None:
        raise NotAllowed("This notification asks for nothing, so there is nothing to answer.")
    with transaction.atomic():
        task = Task.objects.select_for_update(no_key=True, of=("self",)).get(pk=notification.task_id)
        notification = Notification.objects.select_related("recipient", "case").get(pk=notification.pk)
        earlier = _by_key(notification, answer) or _same_answer(task, notification.recipient, answer)
        if earlier is not None:
            _remember_key(notification, answer, earlier)
            return Recorded(earlier, created=False)
        _refuse_if_over(task, notification, now)
        action = _offered(notification, answer)
        _check_words(action, answer)
        person_variables.check(task, answer.variables)
        if action.effect == "final":
            four_eyes.check(task, notification.recipient)
        response = _record(task, notification, action, answer, now)
        _remember_key(notification, answer, response)
        RECORDERS[action.effect](task, notification, response, now)
    return Recorded(response, created=True)


def respond_with_token(token: str, answer: Answer, *, now: datetime) -> Recorded:
    """Answer with an action token: no session, one person, one task, the actions offered with it.

    Raises NotFound for a token nobody gave out, Expired for one past its time or voided, and what `respond` raises.
    """
    given = ActionToken.objects.select_related("notification", "recipient__user", "delivery")
    row = given.filter(digest=digest_of(token)).first()
    if row is None:
        raise NotFound("Nobody gave out this token. Open the item in the inbox instead.")
    refuse_dead_token(row, now)
    offered = replace(answer, via=row.delivery.channel, offered=tuple(row.actions), delivery=row.delivery_id)
    recorded = respond(row.notification, offered, now=now)
    if row.delivery.device_id is not None:
        devices.used(row.delivery.device_id, now)
    return recorded


def refuse_dead_token(token: ActionToken, now: datetime) -> None:
    """Raises Expired when the token is no longer valid."""
    if token.voided_at is not None:
        detail = f"This link no longer works: {token.void_reason or 'it was withdrawn'}. Open the inbox instead."
        raise Expired(detail, ended=_what_ended(token))
    if token.expires_at <= now or not token.recipient.may_act:
        raise Expired("This link is past its time. Open the inbox instead.", ended="token")


def _what_ended(token: ActionToken) -> str:
    if token.notification.state == NotificationState.WITHDRAWN:
        return "withdrawn"
    on_a_device = reaches_devices(token.delivery.channel)
    return "device" if on_a_device and token.delivery.device_id is None else "token"


def refuse_from_removed_device(recipient: Recipient, device_id: UUID) -> None:
    """Refuse an answer that was kept on a device which was removed since. Raises Expired."""
    if devices.registration_state(recipient, device_id) == "removed":
        raise Expired(
            "The device on which this answer was given has been removed. Answer in the inbox.", ended="device"
        )


# --- guards ---------------------------------------------------------------------------------------
def _by_key(notification: Notification, answer: Answer) -> Response | None:
    if not answer.idempotency_key:
        return None
    known = (
        IdempotencyKey.objects.select_related("response__recipient", "response__callback")
        .filter(notification=notification, recipient=notification.recipient, key=answer.idempotency_key)
        .first()
    )
    if known is None:
        return None
    if known.fingerprint != answer.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came with another answer. Use a new key for a new answer.")
    return known.response


def _same_answer(task: Task, person: Recipient, answer: Answer) -> Response | None:
    """An earlier answer of the same person with the same content, whatever its key, token or device."""
    said = Response.objects.select_related("recipient", "callback")
    for response in said.filter(task=task, recipient=person, action=answer.action, counts=True):
        if response.comment == answer.comment and response.variables == answer.variables:
            return response
    return None


def _refuse_if_over(task: Task, notification: Notification, now: datetime) -> None:
    if task.state in CLOSED:
        raise AlreadyHandled("The engine has closed this task already. Nothing was sent.", **_outcome_members(task))
    if task.state == TaskState.ANSWERED:
        outcome = task.outcome or {}
        raise AlreadyAnswered(
            f"{outcome.get('by', {}).get('name', 'Somebody')} answered this already. Nothing was sent.",
            **_outcome_members(task),
        )
    if task.state == TaskState.EXPIRED or (task.expires_at is not None and task.expires_at <= now):
        raise Expired("This task expired before it was answered. Nothing was sent.")
    if notification.state == NotificationState.WITHDRAWN:
        raise Withdrawn(f"This is no longer yours to answer: {notification.reason}.")


def _outcome_members(task: Task) -> Json:
    outcome = task.outcome or {}
    return {"answered_by": outcome.get("by"), "answered_at": outcome.get("at"), "action": outcome.get("action")}


def _offered(notification: Notification, answer: Answer) -> Action:
    actions = {action["action"]: Action.from_json(action) for action in notification.actions}
    names = [name for name in actions if answer.offered is None or name in answer.offered]
    if answer.action not in names:
        raise NotAllowed(f"“{answer.action}” is not offered here. Choose one of: {', '.join(names) or 'nothing'}.")
    return actions[answer.action]


def _check_words(action: Action, answer: Answer) -> None:
    if len(answer.comment) > MAX_COMMENT:
        raise InvalidAnswer(f"The comment is longer than {MAX_COMMENT:,} characters. Shorten it.")
    if len(json.dumps(answer.variables)) > MAX_VARIABLES:
        raise InvalidAnswer(f"The variables are larger than {MAX_VARIABLES // 1024} KiB. Send a reference instead.")
    if action.comment == "required" and not clean(answer.comment).strip():
        raise CommentRequired(f"“{action.title}” needs a comment. Write why.")


# --- recording ------------------------------------------------------------------------------------
def _record(task: Task, notification: Notification, action: Action, answer: Answer, now: datetime) -> Response:
    """Record the answer and the callback that tells the engine, in one transaction."""
    response = Response.objects.create(
        id=uuid7(),
        task=task,
        notification=notification,
        recipient=notification.recipient,
        action=action.name,
        effect=action.effect,
        comment=answer.comment,
        variables=answer.variables,
        via=answer.via,
        delivery_id=answer.delivery,
        at=now,
    )
    last = task.callbacks.aggregate(last=Max("position"))["last"] or 0
    response.callback = Callback.objects.create(
        id=response.pk,
        response=response,
        engine_id=task.engine_id,
        task=task,
        position=last + 1,
        **outbox.scheduled(now),
        body=answer_body.task_responded(response, task, notification),
    )
    outbox.wake_on_commit("callbacks")
    return response


def _remember_key(notification: Notification, answer: Answer, response: Response) -> None:
    if answer.idempotency_key:
        IdempotencyKey.objects.bulk_create(
            [
                IdempotencyKey(
                    notification=notification,
                    recipient=notification.recipient,
                    key=answer.idempotency_key,
                    fingerprint=answer.fingerprint,
                    response=response,
                )
            ],
            ignore_conflicts=True,
        )


def waiting_outcome(response: Response) -> Json:
    """`connect`: the name of the engine that waits for the person to connect their account."""
    outcome, task = outcome_json(response, "waiting"), response.task
    if response.effect == "final" and must_connect(task.engine_id, response.recipient):
        outcome["connect"] = task.engine.name
    return outcome


def outcome_json(response: Response, engine: str, reason: Reason = reasons.NOTHING) -> Json:
    return {
        "action": response.action,
        "by": response.recipient.as_person(),
        "at": representation.iso_utc(response.at),
        "engine": engine,
        **reasons.kept_in_json("detail", reason),
    }


def _record_final(task: Task, notification: Notification, response: Response, now: datetime) -> None:
    """Record the final answer: end the task here, change every copy, and supersede earlier callbacks that were not
    delivered."""
    outcome, before = waiting_outcome(response), _states_to_return_to(task)
    won = Task.objects.filter(pk=task.pk, state__in=ANSWERABLE).update(
        state=TaskState.ANSWERED, states_before=before, outcome=outcome, updated_at=now
    )
    if not won:
        raise AlreadyAnswered("Somebody answered this already. Nothing was sent.")
    task.state, task.states_before, task.outcome = TaskState.ANSWERED, before, outcome
    _supersede_unsent(task, response, now)
    rows = _change_copies(task, notification, now, state=NotificationState.ANSWERED, outcome=outcome)
    ledger.supersede([row.pk for row in rows], reasons.TASK_ANSWERED(), now)
    lifecycle.notify_observers("answered", task, by=response.recipient, now=now)


def _states_to_return_to(task: Task) -> list[str]:
    """The states that a refused answer, and behind it an open question, return to: the next one first."""
    return [task.state, *task.states_before] if task.state == TaskState.INFO_REQUESTED else [task.state]


def _supersede_unsent(task: Task, response: Response, now: datetime) -> None:
    """A final answer supersedes acknowledgements and questions. One that is being sent may end, and is not tried
    again."""
    earlier = task.callbacks.filter(state=CallbackState.WAITING).exclude(pk=response.pk)
    outbox.finish_all(earlier.filter(outbox.not_leased(now)), state=CallbackState.SUPERSEDED, ended_at=now)


def _acknowledge(task: Task, notification: Notification, response: Response, now: datetime) -> None:
    if task.state == TaskState.OPEN:
        task.state, task.outcome = TaskState.ACKNOWLEDGED, waiting_outcome(response)
        task.save(update_fields=["state", "outcome", "updated_at"])
        _change_copies(task, notification, now, outcome=task.outcome)
    else:
        _mark_read(notification, now)
    lifecycle.notify_observers("acknowledged", task, by=response.recipient, now=now)


def _request_info(task: Task, notification: Notification, response: Response, now: datetime) -> None:
    if task.state != TaskState.INFO_REQUESTED:
        task.state, task.states_before = TaskState.INFO_REQUESTED, [task.state]
    task.info = [
        *task.info,
        {"text": response.comment, "by": response.recipient.as_person(), "at": representation.iso_utc(now)},
    ]
    task.outcome = waiting_outcome(response)
    task.save(update_fields=["state", "states_before", "info", "outcome", "updated_at"])
    _change_copies(task, notification, now, outcome=task.outcome)
    _tell_initiator(task, response, now)
    lifecycle.notify_observers("paused", task, by=response.recipient, now=now)


RECORDERS: dict[str, Any] = {"final": _record_final, "acknowledge": _acknowledge, "request_info": _request_info}


def _change_copies(task: Task, notification: Notification, now: datetime, **fields: Any) -> list[Notification]:
    """Change all open copies, and mark that of the person who answers as read."""
    rows = inbox_items.change(inbox_items.open_copies(task), now, read=notification.pk, **fields)
    if notification not in rows:
        _mark_read(notification, now)
    return rows


def _mark_read(notification: Notification, now: datetime) -> None:
    """Mark the copy as read: its person has answered it."""
    inbox_items.mark_read(Notification.objects.filter(pk=notification.pk), now)


def _tell_initiator(task: Task, response: Response, now: datetime) -> None:
    """An event of our own, so that routes and templates say who is told of a question, as for any other event."""
    data: Json = {
        "task": {"id": task.task_id, "name": task.name, "kind": task.kind, "url": task.url},
        "info": response.comment,
        "asked_by": response.recipient.as_person(),
    }
    Event.objects.create(
        engine_id=task.engine_id,
        source="wfpush",
        event_id=str(response.pk),
        type="task.info_requested",
        subject=task.task_id,
        received_at=now,
        **outbox.scheduled(now),
        data=data,
        digest="",
        group=f"task:{task.task_id}",
    )
    outbox.wake_on_commit("events")
