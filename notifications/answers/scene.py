"""What a transaction that records answers has locked and read, and what it will write.

Locks are taken in the order of the house: tasks, then people, each in the order of their keys. Each table is read and
written by one statement for all answers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from notifications.answers.given import Given
from notifications.items import inbox_items
from notifications.models import Callback, CallbackState, IdempotencyKey, Notification, Response, Task
from notifications.reasons import Reason
from wfpush.postgres.bulk import Writes
from wfpush.queue import outbox

_LOCK = """
SELECT id FROM notifications_task
WHERE id IN (SELECT task_id FROM notifications_notification WHERE id = ANY(%s))
ORDER BY engine_id, task_id FOR NO KEY UPDATE
"""
SKIP = "SKIP LOCKED"


class Scene:
    """`skip`: tasks that somebody else has locked are left alone, instead of waiting for them."""

    def __init__(self, givens: Sequence[Given], now: datetime, *, skip: bool) -> None:
        self.now = now
        self.writes = Writes()
        ids = [given.notification for given in givens]
        self._locked = _lock(ids, skip=skip)
        self.copies = _answered(ids)
        self.standing = self._standing()
        self._calls = self._read_calls()
        self.keys = _keys(givens)
        self._new_keys: list[IdempotencyKey] = []
        self._changed: list[Notification] = []
        self._read: list[Notification] = []
        self._unneeded: dict[UUID, Reason] = {}
        self._overtaken: list[UUID] = []
        self._wakes: set[str] = set()

    # --- what there is ------------------------------------------------------------------------------------------------
    def has(self, task: Task) -> bool:
        """Whether the task is locked: only then may an answer to it be recorded."""
        return task.pk in self._locked

    def earlier(self, task: Task) -> list[Response]:
        """The answers to the task, the last first."""
        answers = [call.response for call in self._calls[task.pk] if call.response is not None]
        return sorted(answers, key=lambda response: response.pk, reverse=True)

    def next_position(self, task: Task) -> int:
        return max((call.position for call in self._calls[task.pk]), default=0) + 1

    def _standing(self) -> dict[UUID, list[Notification]]:
        """The open copies of each task. Of those that nobody answers now, what answers change of them is read."""
        found: dict[UUID, list[Notification]] = {pk: [] for pk in self._locked}
        own = [copy for copy in self.copies.values() if inbox_items.stands(copy)]
        others = inbox_items.standing(self._locked).exclude(pk__in=list(self.copies)).only(*inbox_items.OF_ANSWERS)
        for copy in sorted([*own, *others], key=lambda copy: copy.recipient_id):
            if copy.task_id in found:
                found[copy.task_id].append(copy)
        return found

    def _read_calls(self) -> dict[UUID, list[Callback]]:
        found: dict[UUID, list[Callback]] = {pk: [] for pk in self._locked}
        for call in Callback.objects.filter(task__in=self._locked).select_related("response").defer("body"):
            found[call.task_id].append(call)
        return found

    # --- what changes -------------------------------------------------------------------------------------------------
    def remember(self, key: IdempotencyKey) -> None:
        self._new_keys.append(key)

    def wake(self, source: str) -> None:
        self._wakes.add(source)

    def change(self, copies: Sequence[Notification]) -> None:
        """Open copies have changed in memory."""
        self._changed += copies

    def read(self, copy: Notification) -> None:
        """Nothing of the copy has changed but that its person has read it."""
        self._read.append(copy)

    def supersede(self, copies: Sequence[Notification], reason: Reason) -> None:
        """Their messages are needed no longer."""
        self._unneeded |= dict.fromkeys((copy.pk for copy in copies), reason)

    def overtake_calls(self, task: Task) -> None:
        """The engine need not be told of what was said of the task before, unless it is being told."""
        self._overtaken += [call.pk for call in self._calls[task.pk] if call.state == CallbackState.WAITING]

    def write(self) -> None:
        inbox_items.record_answers(self._changed, self._read, self._unneeded, self.now)
        self.writes.write()
        if self._overtaken:
            waiting = Callback.objects.filter(pk__in=self._overtaken, state=CallbackState.WAITING)
            free = waiting.filter(outbox.not_leased(self.now))
            outbox.finish_all(free, state=CallbackState.SUPERSEDED, ended_at=self.now)
        if self._new_keys:
            IdempotencyKey.objects.bulk_create(self._new_keys, ignore_conflicts=True)
        for source in sorted(self._wakes):
            outbox.wake_on_commit(source)


def _lock(ids: Sequence[UUID], *, skip: bool) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_LOCK} {SKIP}" if skip else _LOCK, [list(ids)])
        return {pk for (pk,) in cursor.fetchall()}


def _answered(ids: Sequence[UUID]) -> Mapping[UUID, Notification]:
    """The copies that are answered, as they are by now. Copies of one task have one object for it."""
    rows = Notification.objects.filter(pk__in=ids).select_related("recipient", "task__case", "task__assigned_event")
    found = {row.pk: row for row in rows.defer(*_UNUSED)}
    tasks: dict[UUID, Task] = {}
    for row in found.values():
        if row.task is not None:
            row.task = tasks.setdefault(row.task.pk, row.task)
    return found


_UNUSED = [
    "body",
    "short_body",
    "details",
    *(f"task__assigned_event__{name}" for name in ("data", "extensions", "plan")),
]


def _keys(givens: Sequence[Given]) -> list[IdempotencyKey]:
    """Keys of these answers that came before."""
    wanted = [given for given in givens if given.answer.idempotency_key]
    if not wanted:
        return []
    known = IdempotencyKey.objects.select_related("response__recipient", "response__callback")
    return list(
        known.filter(
            notification__in=[given.notification for given in wanted],
            key__in=[given.answer.idempotency_key for given in wanted],
        )
    )
