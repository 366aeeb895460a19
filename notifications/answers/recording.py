"""Records an answer in memory, with the callback that tells the engine, and changes every copy of its task."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from notifications import reasons
from notifications.answers import answer_body, form_values, four_eyes, guards, person_variables
from notifications.answers.answer_context import AnswerContext
from notifications.answers.submission import Answer, RecordedAnswer, Submission
from notifications.attachments.linking import claim, use
from notifications.attachments.storage import Sender
from notifications.cases import lifecycle
from notifications.conversation import posting
from notifications.errors import FourEyes, Invalid, NotAllowed, NotFound
from notifications.forms.fields import form_of
from notifications.items import representation
from notifications.items.undo_window import told_at
from notifications.models import (
    Addressee,
    Attachment,
    Callback,
    CallbackState,
    ConnectedAccount,
    Event,
    IdempotencyKey,
    InTheNameOf,
    Notification,
    NotificationState,
    PersonalSignIn,
    Recipient,
    Response,
    Task,
    TaskMessage,
    TaskState,
)
from notifications.reasons import Reason
from notifications.types import Action, Json
from notifications.wording.plaintext import clean
from wfpush.identifiers import uuid7
from wfpush.postgres.revision import Compiled
from wfpush.queue import outbox


def record(submission: Submission, context: AnswerContext) -> RecordedAnswer:
    """Record the answer, whose task the context has locked.

    Raises NotFound, IdempotencyKeyReused, AlreadyAnswered, AlreadyHandled, Withdrawn, Expired, Changed, NotAllowed,
    FourEyes, CommentRequired, Invalid, InvalidAnswer, InvalidValues; then nothing has changed, and a refusal by four
    eyes is recorded.
    """
    copy = copy_of(submission, context)
    task = copy.task
    if task is None:
        raise NotAllowed("This notification asks for nothing, so there is nothing to answer.")
    form = form_of(task.data)
    answer = form_values.normal(form, submission.answer)
    earlier = guards.by_key(context.keys, copy, answer) or guards.same(context.earlier(task), copy, answer)
    if earlier is not None:
        earlier.recipient = copy.recipient
        _remember_key(copy, answer, earlier, context)
        return RecordedAnswer(earlier, created=False, connect=_connect(earlier, task))
    guards.refuse_if_over(task, copy, context.now)
    guards.refuse_if_ended(copy, context.entitlements)
    guards.refuse_if_changed(copy, answer)
    action = guards.offered(copy, answer)
    guards.check_words(action, answer)
    person_variables.check(task, answer.variables)
    form_values.check(form, action, answer)
    if action.effect == "final":
        _check_four_eyes(task, copy, answer, context)
    addressee = guards.whom(action, task, copy, answer)
    if answer.files and action.effect != "request_info":
        detail = "Files go with questions and replies."
        raise Invalid(detail, [{"pointer": "/attachments", "detail": detail}])
    files = claim(answer.files, Sender(person=copy.recipient))
    filled_in = form_values.files_of(form, answer, copy.recipient)
    values = form_values.entries(task, form, answer, filled_in)
    response = _record(task, copy, action, answer, addressee, values, files, context)
    _remember_key(copy, answer, response, context)
    RECORDERS[action.effect](task, copy, response, context)
    if files:
        use(files, TaskMessage(pk=response.pk))
    use([each for attachments in filled_in.values() for each in attachments], response)
    connect = (task.outcome or {}).get("connect", "") if action.effect == "final" else ""
    return RecordedAnswer(response, created=True, connect=connect)


def copy_of(submission: Submission, context: AnswerContext) -> Notification:
    """Raises NotFound."""
    copy = context.copies.get(submission.notification)
    if copy is None or copy.recipient_id != submission.person:
        raise NotFound("There is no such notification of yours.")
    return copy


def _check_four_eyes(task: Task, copy: Notification, answer: Answer, context: AnswerContext) -> None:
    try:
        four_eyes.check(task, copy.recipient)
    except FourEyes as refused:
        context.writes.insert(four_eyes.refusal(copy, answer, refused, context.now))
        raise


def _record(
    task: Task,
    copy: Notification,
    action: Action,
    answer: Answer,
    addressee: Recipient | None,
    values: list[Json],
    files: Sequence[Attachment],
    context: AnswerContext,
) -> Response:
    response = Response(
        id=uuid7(),
        task=task,
        notification=copy,
        recipient=copy.recipient,
        action=action.name,
        effect=action.effect,
        comment=guards.text_of(answer, files),
        variables=answer.variables,
        values=values,
        via=answer.via,
        delivery_id=answer.delivery,
        revision=copy.revision,
        asked=addressee,
        at=context.now,
    )
    callback = Callback(
        id=response.pk,
        response=response,
        engine_id=task.engine_id,
        task=task,
        position=context.next_position(task),
        **outbox.scheduled(told_at(action.effect, answer.via, context.now)),
        body=answer_body.task_responded(response, task, copy, files, context.origins.get(copy.pk)),
    )
    context.writes.insert(response)
    context.writes.insert(callback)
    context.wakes.add("callbacks")
    return response


def _remember_key(copy: Notification, answer: Answer, response: Response, context: AnswerContext) -> None:
    if answer.idempotency_key:
        context.new_keys.append(
            IdempotencyKey(
                notification=copy,
                recipient=copy.recipient,
                key=answer.idempotency_key,
                fingerprint=answer.fingerprint,
                response=response,
            )
        )


# --- effects on the task ----------------------------------------------------------------------------------------------
def waiting_outcome(response: Response, task: Task) -> Json:
    """Return the outcome of a waiting answer. `connect`: the name of the engine that waits for the person's account;
    `undo_until`: until when the person may take the answer back."""
    outcome, connect = outcome_json(response, CallbackState.WAITING), _connect(response, task)
    until = told_at(response.effect, response.via, response.at)
    undo = {"undo_until": representation.iso_utc(until)} if until > response.at else {}
    return {**outcome, **undo, "connect": connect} if connect else {**outcome, **undo}


_OWN_NAMES_ONLY = Compiled(
    lambda: frozenset(PersonalSignIn.objects.filter(mode=InTheNameOf.PERSON).values_list("engine_id", flat=True))
)
"""Keys of engines that take answers in people's own names only."""


def _connect(response: Response, task: Task) -> str:
    """Return the engine's name, if it cannot be told the answer before its person has connected an account there."""
    waits = response.effect == "final" and response.callback.state == CallbackState.WAITING
    if not waits or task.engine_id not in _OWN_NAMES_ONLY.get():
        return ""
    accounts = ConnectedAccount.objects.filter(engine=task.engine_id, recipient=response.recipient, ended_at=None)
    return "" if accounts.exists() else task.engine.name


def outcome_json(response: Response, engine: str, reason: Reason = reasons.NOTHING) -> Json:
    return {
        "action": response.action,
        "by": response.recipient.as_person(),
        "at": representation.iso_utc(response.at),
        "engine": engine,
        "detail_fact": reason.as_json(),
    }


def _record_final(task: Task, copy: Notification, response: Response, context: AnswerContext) -> None:
    """End the task here, change every copy, and supersede earlier callbacks that were not delivered.

    Callbacks of acknowledgements and questions that are being sent may end, and are not tried again.
    """
    if task.state == TaskState.INFO_REQUESTED:  # a refused answer leads back to the open question
        task.states_before = [task.state, *task.states_before]
    else:
        task.states_before = [task.state]
    task.state, task.outcome = TaskState.ANSWERED, waiting_outcome(response, task)
    context.writes.update(task, "state", "states_before", "outcome", "updated_at")
    context.overtake_calls(task)
    copies = _change_copies(task, copy, context, state=NotificationState.ANSWERED)
    context.unneeded |= dict.fromkeys((copy.pk for copy in copies), reasons.TASK_ANSWERED())
    _notify("answered", task, response, context)


def _acknowledge(task: Task, copy: Notification, response: Response, context: AnswerContext) -> None:
    if task.state == TaskState.OPEN:
        task.state, task.outcome = TaskState.ACKNOWLEDGED, waiting_outcome(response, task)
        context.writes.update(task, "state", "outcome", "updated_at")
        _change_copies(task, copy, context)
    else:
        _mark_read(copy, context)
    _notify("acknowledged", task, response, context)


def _request_info(task: Task, copy: Notification, response: Response, context: AnswerContext) -> None:
    if task.state != TaskState.INFO_REQUESTED:
        task.state, task.states_before = TaskState.INFO_REQUESTED, [task.state]
    question, addressees = _ask(task, response, context)
    info = {"text": response.comment, "by": response.recipient.as_person(), "at": representation.iso_utc(context.now)}
    task.info = [*task.info, {**info, "message": str(question.pk)}]
    _notify("paused", task, response, context)
    to = next(iter(addressees), None)
    sent = {"to": to.person.as_person(), "away": to.away.as_person() if to.away else None} if to is not None else {}
    paused = bool(sent) and lifecycle.time_stands_still(task, context.writes)
    task.outcome = {**waiting_outcome(response, task), **sent, "paused": paused}
    context.writes.update(task, "state", "states_before", "info", "outcome", "updated_at")
    _change_copies(task, copy, context)
    context.writes.insert(_question_event(task, response, addressees, context.now))
    context.wakes.add("events")


def _ask(task: Task, response: Response, context: AnswerContext) -> tuple[TaskMessage, list[Addressee]]:
    """Return the question as a message, with its addressees; none if there is nobody to ask."""
    question, addressees = posting.question(
        task,
        response.recipient,
        [response.asked] if response.asked is not None else [],
        context.writes,
        id=response.pk,
        text=clean(response.comment),
        via=response.via,
        at=context.now,
    )
    context.questions.append((question, addressees))
    return question, addressees


RECORDERS: dict[str, Any] = {"final": _record_final, "acknowledge": _acknowledge, "request_info": _request_info}


def _notify(moment: lifecycle.Moment, task: Task, response: Response, context: AnswerContext) -> None:
    lifecycle.notify_observers(moment, task, by=response.recipient, now=context.now, writes=context.writes)


def _change_copies(task: Task, copy: Notification, context: AnswerContext, state: str = "") -> list[Notification]:
    """Show the task's outcome on open copies, and mark the copy of the person who answers as read."""
    copies = context.standing[task.pk]
    for each in copies:
        each.state, each.outcome = state or each.state, task.outcome
    if copy in copies:
        copy.read_at = copy.read_at or context.now
    else:
        _mark_read(copy, context)
    context.changed += copies
    return copies


def _mark_read(copy: Notification, context: AnswerContext) -> None:
    """Mark the copy as read, since its person has answered it."""
    if copy.read_at is None:
        copy.read_at = context.now
        context.read.append(copy)


def _question_event(task: Task, response: Response, addressees: Sequence[Addressee], now: datetime) -> Event:
    """Return an event of our own for a question: routes and templates decide who else is notified, as for any event."""
    people = [each for to in addressees for each in (to.person, to.away) if each is not None]
    data: Json = {
        "task": {"id": task.task_id, "name": task.name, "kind": task.kind, "url": task.url},
        "info": response.comment,
        "asked_by": response.recipient.as_person(),
        "asked": [person.as_person() for person in people],
    }
    return Event(
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
