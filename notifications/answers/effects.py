"""What an answer changes: its task, and every open copy of it. One function for each effect that actions have."""

from collections.abc import Callable, Mapping, Sequence

from notifications.answers.answer_context import AnswerContext
from notifications.answers.decision import Decision
from notifications.answers.outcome import waiting_outcome
from notifications.cases import lifecycle, messages
from notifications.items.representation import iso_utc
from notifications.models import (
    Addressee,
    CallbackState,
    Event,
    MessageKind,
    NotificationState,
    Response,
    Task,
    TaskState,
)
from notifications.reasons import TASK_ANSWERED
from notifications.types import Json
from notifications.wording.plaintext import clean
from wfpush.queue import outbox

ANSWERED = TASK_ANSWERED()


def end_task(decision: Decision, response: Response, context: AnswerContext) -> None:
    """End the task here, change every copy, and supersede earlier callbacks that were not delivered.

    Callbacks of acknowledgements and questions that are being sent may end, and are not tried again.
    """
    task = decision.task
    if task.state == TaskState.INFO_REQUESTED:  # a refused answer leads back to the open question
        task.states_before = [task.state, *task.states_before]
    else:
        task.states_before = [task.state]
    task.state, task.outcome = TaskState.ANSWERED, waiting_outcome(response, task)
    context.writes.update(task, "state", "states_before", "outcome", "updated_at")
    context.overtaken += [call.pk for call in decision.calls if call.state == CallbackState.WAITING]
    _change_copies(decision, context, state=NotificationState.ANSWERED)
    context.unneeded |= dict.fromkeys((copy.pk for copy in decision.copies), ANSWERED)
    lifecycle.notify_observers("answered", task, by=decision.person, now=decision.at, writes=context.writes)


def acknowledge(decision: Decision, response: Response, context: AnswerContext) -> None:
    task = decision.task
    if task.state == TaskState.OPEN:
        task.state, task.outcome = TaskState.ACKNOWLEDGED, waiting_outcome(response, task)
        context.writes.update(task, "state", "outcome", "updated_at")
        _change_copies(decision, context)
    else:
        _mark_read(decision, context)
    lifecycle.notify_observers("acknowledged", task, by=decision.person, now=decision.at, writes=context.writes)


def ask(decision: Decision, response: Response, context: AnswerContext) -> None:
    """Pause the task until the question is answered, and have its addressees notified."""
    task = decision.task
    if task.state != TaskState.INFO_REQUESTED:
        task.state, task.states_before = TaskState.INFO_REQUESTED, [task.state]
    question, addressees = messages.add(
        task,
        [response.asked] if response.asked is not None else [],
        context.writes,
        due=False,
        kind=MessageKind.QUESTION,
        author=response.recipient,
        id=response.pk,
        text=clean(response.comment),
        via=response.via,
        at=decision.at,
    )
    messages.let_stand_in(question, addressees, decision.at)
    context.questions.append((question, addressees))
    info = {"text": response.comment, "by": response.recipient.as_person(), "at": iso_utc(decision.at)}
    task.info = [*task.info, {**info, "message": str(question.pk)}]
    lifecycle.notify_observers("paused", task, by=decision.person, now=decision.at, writes=context.writes)
    to = next(iter(addressees), None)
    sent = {"to": to.person.as_person(), "away": to.away.as_person() if to.away else None} if to is not None else {}
    paused = bool(sent) and lifecycle.time_stands_still(task, context.writes)
    task.outcome = {**waiting_outcome(response, task), **sent, "paused": paused}
    context.writes.update(task, "state", "states_before", "info", "outcome", "updated_at")
    _change_copies(decision, context)
    context.writes.insert(_question_event(task, response, addressees))
    context.wakes.add("events")


EFFECTS: Mapping[str, Callable[[Decision, Response, AnswerContext], None]] = {
    "final": end_task,
    "acknowledge": acknowledge,
    "request_info": ask,
}


def _change_copies(decision: Decision, context: AnswerContext, state: str = "") -> None:
    """Show the task's outcome on open copies, and mark the copy of the person who answers as read."""
    for copy in decision.copies:
        copy.state, copy.outcome = state or copy.state, decision.task.outcome
    context.changed += decision.copies
    if decision.item in decision.copies:
        decision.item.read_at = decision.item.read_at or decision.at
    else:
        _mark_read(decision, context)


def _mark_read(decision: Decision, context: AnswerContext) -> None:
    """Mark the copy as read, since its person has answered it."""
    if decision.item.read_at is None:
        decision.item.read_at = decision.at
        context.read.append(decision.item)


def _question_event(task: Task, response: Response, addressees: Sequence[Addressee]) -> Event:
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
        received_at=response.at,
        **outbox.scheduled(response.at),
        data=data,
        digest="",
        group=f"task:{task.task_id}",
    )
