"""The rows that a transaction of answers has locked and read, and those that it will write.

Locks are taken in the order that all transactions use: tasks, then people, each in the order of their keys. Each table
is read and written by one statement for all answers.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from notifications.answers import questions
from notifications.answers.submission import Submission
from notifications.attachments.linking import use
from notifications.items import inbox_items
from notifications.models import (
    Addressee,
    Attachment,
    Callback,
    CallbackState,
    Case,
    Event,
    IdempotencyKey,
    Notification,
    Recipient,
    Response,
    Task,
    TaskContent,
    TaskMessage,
)
from notifications.reasons import Reason
from notifications.routing.entitlement import Entitlements
from notifications.types import Json
from wfpush.postgres.bulk import Writes
from wfpush.postgres.prefetch import JoinedTables, Table
from wfpush.queue import outbox

_LOCK = """
SELECT id FROM notifications_task
WHERE id IN (SELECT task_id FROM notifications_notification WHERE id = ANY(%s))
ORDER BY engine_id, task_id FOR NO KEY UPDATE
"""


class AnswerContext:
    """The context of one transaction. `skip`: tasks that another transaction has locked are left out, instead of
    waiting for them. Only answers to tasks in `locked` may be recorded."""

    def __init__(self, submissions: Sequence[Submission], now: datetime, *, skip: bool) -> None:
        self.now = now
        ids = [submission.notification for submission in submissions]
        with connection.cursor() as cursor:
            cursor.execute(f"{_LOCK} SKIP LOCKED" if skip else _LOCK, [ids])
            self.locked = {pk for (pk,) in cursor.fetchall()}
        self.copies, self.origins = _read_copies(ids)
        self.calls = _read_calls(self.locked)
        """The callbacks of each task, with their responses."""
        self.entitlements = Entitlements(self.copies.values(), now)
        """The current reasons for which the people of these copies have their tasks."""
        self.standing = inbox_items.standing_by_task(self.locked, self.copies)
        with_key = [submission for submission in submissions if submission.answer.idempotency_key]
        self.keys = _read_keys(with_key) if with_key else []

        self.writes = Writes()
        self.new_keys: list[IdempotencyKey] = []
        self.changed: list[Notification] = []
        """Open copies that have changed in memory."""
        self.read: list[Notification] = []
        """Copies whose only change is that their person has read them."""
        self.unneeded: dict[UUID, Reason] = {}
        """Copies whose messages are no longer needed, with the reason."""
        self.overtaken: list[UUID] = []
        """Callbacks that are superseded, except those that are being sent."""
        self.wakes: set[str] = set()
        """Names of the sources that get due work."""
        self.questions: list[tuple[TaskMessage, list[Addressee]]] = []
        """Questions with their addressees, who get an item with a reply box."""
        self.files: list[tuple[Sequence[Attachment], TaskMessage | Response]] = []
        """Claimed files, with the question or answer that uses them."""
        self.used_files: set[UUID] = set()

    def use(self, files: Sequence[Attachment], by: TaskMessage | Response) -> None:
        """Have claimed files assigned to the question or answer that they belong to."""
        self.files.append((files, by))
        self.used_files.update(file.pk for file in files)

    def write(self) -> None:
        for files, by in self.files:
            use(files, by)
        asking = questions.changes(self.questions, self.now) if self.questions else []
        if asking:
            answered = {copy.recipient_id for copy in (*self.changed, *self.read)}
            inbox_items.lock(answered.union(*(each.people for each in asking)))
        inbox_items.record_answers(self.changed, self.read, self.unneeded, self.now)
        self.writes.write()
        for each in asking:
            each.write()
        if self.overtaken:
            waiting = Callback.objects.filter(pk__in=self.overtaken, state=CallbackState.WAITING)
            free = waiting.filter(outbox.not_leased(self.now))
            outbox.finish_all(free, state=CallbackState.SUPERSEDED, ended_at=self.now)
        if self.new_keys:
            IdempotencyKey.objects.bulk_create(self.new_keys, ignore_conflicts=True)
        for source in sorted(self.wakes):
            outbox.wake_on_commit(source)


def _read_calls(tasks: Collection[UUID]) -> dict[UUID, list[Callback]]:
    by_task: dict[UUID, list[Callback]] = {pk: [] for pk in tasks}
    for call, response in _CALLS.read(_CALLS_OF, [list(tasks)]) if tasks else []:
        call.response = response
        by_task[call.task_id].append(call)
    return by_task


_CALLS = JoinedTables(call=Table(Callback, without=["body"]), response=Table(Response))
_CALLS_OF = f"""
SELECT {_CALLS.columns}
FROM notifications_callback call LEFT JOIN notifications_response response ON response.id = call.response_id
WHERE call.task_id = ANY(%s)
"""

_COPIES = JoinedTables(
    item=Table(Notification, without=["body", "short_body", "details"]),
    person=Table(Recipient),
    task=Table(Task),
    about=Table(Case),
    event=Table(Event, only=["event_id", "source", "type", "extensions"]),
    content=Table(TaskContent, only=["event"]),
)
_COPIES_OF = f"""
SELECT {_COPIES.columns}
FROM notifications_notification item JOIN notifications_recipient person ON person.id = item.recipient_id
    LEFT JOIN notifications_task task ON task.id = item.task_id
    LEFT JOIN notifications_case about ON about.id = task.case_id
    LEFT JOIN notifications_event event ON event.id = task.assigned_event_id
    LEFT JOIN notifications_taskcontent content ON content.task_id = task.id AND content.revision = item.revision
WHERE item.id = ANY(%s)
"""


def _read_copies(ids: Sequence[UUID]) -> tuple[dict[UUID, Notification], dict[UUID, Json | None]]:
    """Return the current copies that are answered, and the event that the content of each came from. Copies of one task
    share one object for it."""
    copies: dict[UUID, Notification] = {}
    origins: dict[UUID, Json | None] = {}
    tasks: dict[UUID, Task] = {}
    for copy, person, task, case, event, content in _COPIES.read(_COPIES_OF, [list(ids)]):
        copy.recipient, copy.task = person, None
        origins[copy.pk] = content.event if content is not None else None
        if task is not None:
            copy.task = tasks.setdefault(task.pk, task)
            task.case, task.assigned_event = case, event
        copies[copy.pk] = copy
    return copies, origins


def _read_keys(with_key: Sequence[Submission]) -> list[IdempotencyKey]:
    """Return the stored idempotency keys of these answers."""
    stored_keys = IdempotencyKey.objects.select_related("response__recipient", "response__callback")
    return list(
        stored_keys.filter(
            notification__in=[submission.notification for submission in with_key],
            key__in=[submission.answer.idempotency_key for submission in with_key],
        )
    )
