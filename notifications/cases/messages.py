"""The messages about a task, for the state machine: new ones, and whether a question is still open.

The callers have locked the task. A feature makes the items in people's inboxes: the source of due work of this name.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from notifications.cases import lifecycle
from notifications.items.representation import iso_utc
from notifications.models import Addressee, AddresseeState, MessageKind, Recipient, Task, TaskMessage, TaskState
from notifications.people.stand_ins import PartSubject, StandIns
from notifications.types import Json
from wfpush.postgres.bulk import Writes
from wfpush.queue import outbox

SOURCE_NAME = "conversation"


def add(
    task: Task, to: Iterable[Recipient], writes: Writes, *, due: bool, **fields: Any
) -> tuple[TaskMessage, list[Addressee]]:
    """Add a message to these people. `due`: inboxes show it after this transaction; else the caller updates them."""
    at: datetime = fields["at"]
    message = TaskMessage(
        task=task, number=_next_number(task, writes), **outbox.scheduled(at if due and _are_shown() else None), **fields
    )
    asks = message.kind == MessageKind.QUESTION
    state = AddresseeState.ASKED if asks else AddresseeState.TOLD
    addressees = [Addressee(message=message, person=person, state=state) for person in to]
    writes.insert(message)
    for addressee in addressees:
        writes.insert(addressee)
    if message.due_at is not None:
        outbox.wake_on_commit(SOURCE_NAME)
    return message, addressees


def let_stand_in(message: TaskMessage, addressees: Sequence[Addressee], now: datetime) -> None:
    """Replace addressees who are away by their delegates, as for their tasks. Nothing is saved."""
    if message.kind != MessageKind.QUESTION:
        return
    stand_ins, people = StandIns(now), [each.person for each in addressees]
    stand_ins.look_up(people)
    delegates = stand_ins.of(people, _subject_of(message.task)) if stand_ins.anybody else {}
    person_ids = {each.person_id for each in addressees}
    for each in addressees:
        delegate = delegates.get(each.person_id)
        if delegate is not None and delegate.pk not in person_ids and delegate.pk != message.author_id:
            each.away, each.person = each.person, delegate


def _subject_of(task: Task) -> PartSubject:
    """Return the subject of the task, for parts of absences."""
    copy = task.notifications.order_by("-created_at").values_list("category", flat=True).first()
    return PartSubject(copy, task.engine_id, task.case.type if task.case is not None else "")


def _next_number(task: Task, writes: Writes) -> int:
    """Return the number of the task's next message. Those of this transaction are not in the database yet."""
    waiting = [message.number for message in writes.waiting(TaskMessage) if message.task_id == task.pk]
    stored_number: int = task.messages.aggregate(last=Max("number"))["last"] or 0
    last: int = max([stored_number, *waiting])
    return last + 1


def information(message: TaskMessage) -> Json:
    """Return the message as an entry of `Task.info`, the task's list of questions and replies."""
    return {"text": message.text, "by": message.by, "at": iso_utc(message.at), "message": str(message.pk)}


def return_to_state_before(task: Task) -> None:
    """Restore, in memory, the state before the answer or question that is taken back."""
    task.state, *task.states_before = task.states_before or [TaskState.OPEN]


# --- open questions ---------------------------------------------------------------------------------------------------
def waits_for_somebody(task: Task) -> bool:
    """Return whether a person who was asked has not replied."""
    return Addressee.objects.filter(message__task=task, state=AddresseeState.ASKED).exists()


Due = tuple[UUID, datetime]
"""The key of a task, and the time at which inboxes are updated."""


def look_again(tasks: list[Due]) -> None:
    """Update items of people with open questions, after the transaction: the tasks have ended, or wait again."""
    asking = TaskMessage.objects.filter(
        task__in=[pk for pk, _ in tasks], pk__in=Addressee.objects.filter(state=AddresseeState.ASKED).values("message")
    )
    _update_inboxes(asking, max(at for _, at in tasks))


def _are_shown() -> bool:
    """Return whether a feature shows messages in inboxes."""
    return SOURCE_NAME in outbox.by_name()


def _update_inboxes(messages: QuerySet[TaskMessage], at: datetime) -> None:
    if _are_shown() and outbox.make_due(messages, at):
        outbox.wake_on_commit(SOURCE_NAME)


def informed(tasks: list[Due]) -> None:
    """Close the open questions of tasks: the engine has supplied the information, so nobody need reply any more."""
    look_again(tasks)
    addressees = Addressee.objects.filter(message__task__in=[pk for pk, _ in tasks], state=AddresseeState.ASKED)
    addressees.update(state=AddresseeState.OVER)


def observe(moment: lifecycle.Moment, task: Task, *, by: Recipient | None, now: datetime, writes: Writes) -> None:
    """Keep questions in step with their task. Registered with `lifecycle`; tasks without questions cost nothing."""
    if not task.info:
        return
    questions = Addressee.objects.filter(message__task=task, message__kind=MessageKind.QUESTION)
    was_paused = moment == "reopened" and task.state == TaskState.INFO_REQUESTED
    # All questions were answered while the final answer counted, which the engine now refuses.
    if was_paused and questions.exists() and not waits_for_somebody(task):
        return_to_state_before(task)
        lifecycle.notify_observers("resumed", task, by=by, now=now, writes=writes)
    writes.gather(look_again, (task.pk, now))


# --- messages from engines --------------------------------------------------------------------------------------------
def take_from_engine(
    task: Task,
    people: Sequence[Recipient],
    kind: str,
    reply_to: object,
    content: Json,
    writes: Writes,
    now: datetime,
) -> TaskMessage:
    """Add a message of an engine: a reply to a question, a question to people, or a comment.

    `content`: text, author and time. A task that has ended takes no questions: they are stored as comments.
    """
    question = _question(task, reply_to)
    if question is not None and question.author is not None:
        people = [*people, question.author] if question.author not in people else people
    asks = kind == MessageKind.QUESTION and bool(people) and task.answerable
    message_kind = MessageKind.REPLY if question is not None else MessageKind.QUESTION if asks else MessageKind.COMMENT
    message, _ = add(task, people, writes, due=True, kind=message_kind, reply_to=question, **content)
    if question is not None:
        replied(task, question, message, writes, now)
    return message


def _question(task: Task, reply_to: object) -> TaskMessage | None:
    try:
        pk = UUID(reply_to) if isinstance(reply_to, str) else None
    except ValueError:
        return None
    questions = task.messages.select_related("author__brand").filter(kind=MessageKind.QUESTION)
    return questions.filter(pk=pk).first() if pk is not None else None


def replied(task: Task, question: TaskMessage, reply: TaskMessage, writes: Writes, now: datetime) -> None:
    """Close a question that has its reply: nobody else need reply. The task goes on if no other question is open."""
    addressees = Addressee.objects.filter(message=question, state=AddresseeState.ASKED)
    addressees.filter(person=reply.author).update(state=AddresseeState.REPLIED, replied_at=reply.at)
    addressees.update(state=AddresseeState.OVER)
    _update_inboxes(TaskMessage.objects.filter(pk=question.pk), now)
    task.info = [*task.info, information(reply)]
    writes.update(task, "info", "updated_at")
    if task.state == TaskState.INFO_REQUESTED and not waits_for_somebody(task):
        return_to_state_before(task)
        writes.update(task, "state", "states_before")
        lifecycle.notify_observers("resumed", task, by=reply.author, now=now, writes=writes)
