"""People's copies of messages: created, changed and withdrawn in the transaction of the cause.

`seq` is allocated under the recipient's row lock, which is held until the commit: contiguous per person, committed in
order. Locks are always taken in the order case, task, recipients by id, notifications.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When

from notifications import reasons
from notifications.channel_facts import INBOX
from notifications.items import live_frames, revoked_items, superseding
from notifications.models import (
    Delivery,
    DeliveryState,
    Event,
    Notification,
    NotificationState,
    Recipient,
    Task,
)
from notifications.reasons import NOTHING, Reason
from notifications.types import Json
from wfpush.postgres import bulk
from wfpush.postgres.prefetch import JoinedTables, Table

LOCK = "SELECT id FROM notifications_recipient WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


def lock(recipient_ids: set[int]) -> None:
    """Lock all people whose inboxes a transaction will change, before it changes the first of several sets of them."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [sorted(recipient_ids)])


_ALLOCATE = f"""
WITH mine AS MATERIALIZED ({LOCK})
UPDATE notifications_recipient r SET inbox_seq = inbox_seq + n.count
FROM mine JOIN unnest(%s::bigint[], %s::bigint[]) AS n(id, count) USING (id) WHERE r.id = mine.id
RETURNING r.id, r.inbox_seq
"""


def allocate(counts: Mapping[int, int]) -> dict[int, int]:
    """Lock the recipients in their order, and allocate `counts` seqs to each. Return the last one of each. It must run
    in a transaction."""
    ids = sorted(counts)
    with connection.cursor() as cursor:
        cursor.execute(_ALLOCATE, [ids, ids, [counts[recipient_id] for recipient_id in ids]])
        return dict(cursor.fetchall())


def number(notifications: Sequence[Notification]) -> None:
    """Give each notification the next seq of its person, in the given order."""
    counts = Counter(notification.recipient_id for notification in notifications)
    following = {pk: last - counts[pk] for pk, last in allocate(counts).items()}
    for notification in notifications:
        following[notification.recipient_id] += 1
        notification.seq = following[notification.recipient_id]


def create(
    notifications: Sequence[Notification],
    *,
    refreshed: Sequence[Notification] = (),
    now: datetime | None = None,
    keep: bool = True,
) -> None:
    """Insert new notifications into their people's inboxes.

    Items `refreshed` exist already and show more in the inbox than before: they get a new seq and `updated_at=now`, and
    no message to a device. Frames are made of the given objects, which must have all related rows of the
    representation. Without `keep`, rows are read again after the commit, for the few open inboxes: so the objects of a
    message to thousands do not remain in memory until then.
    """
    rows = [*notifications, *refreshed]
    if not rows:
        return
    number(rows)
    for row in refreshed:
        row.updated_at = now or row.updated_at
    bulk.insert(notifications)
    bulk.update(refreshed, ["seq", "updated_at"])
    if keep:
        live_frames.announce_new_on_commit(rows)
    else:
        live_frames.announce_on_commit(rows)


def change(
    notifications: QuerySet[Notification], now: datetime, *, read: UUID | None = None, **fields: Any
) -> list[Notification]:
    """Set fields of notifications, at most one for each person, each with a new seq. `read`: the notification that its
    person has read now. Return them as they were before."""
    rows = list(notifications.order_by("recipient_id").select_related("recipient"))
    if not rows:
        return []
    allocate({row.recipient_id: 1 for row in rows})
    latest = Recipient.objects.filter(pk=OuterRef("recipient_id")).values("inbox_seq")[:1]
    if read is not None:
        fields["read_at"] = Case(When(pk=read, read_at=None, then=Value(now)), default=F("read_at"))
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(seq=Subquery(latest), updated_at=now, **fields)
    superseding.outdate([row.pk for row in rows], now)
    live_frames.announce_on_commit(rows)
    return rows


def change_all(rows: Sequence[Notification], now: datetime, **fields: Any) -> None:
    """Set fields of notifications, any number for each person, each with a new seq. The tasks are locked."""
    for row in rows:
        for name, value in fields.items():
            setattr(row, name, value)
    _save(rows, fields, now)
    superseding.outdate([row.pk for row in rows], now)


_OTHERS = JoinedTables(item=Table(Notification, only=["recipient_id", "task_id", "state", "outcome", "read_at"]))
_OTHERS_STANDING = f"""
SELECT {_OTHERS.columns} FROM notifications_notification item
WHERE task_id = ANY(%s) AND id <> ALL(%s) AND (state = 'open' OR (state = 'info' AND is_copy))
"""


def standing_by_task(tasks: Collection[UUID], copies: Mapping[UUID, Notification]) -> dict[UUID, list[Notification]]:
    """Return the open copies of each task, in the order of their people. `copies` have been read; of others only the
    fields that answers change are."""
    by_task: dict[UUID, list[Notification]] = {pk: [] for pk in tasks}
    others = _OTHERS.read(_OTHERS_STANDING, [[*tasks], [*copies]]) if tasks else []
    rows = [*(copy for copy in copies.values() if stands(copy)), *(copy for (copy,) in others)]
    for copy in sorted(rows, key=lambda copy: copy.recipient_id):
        if copy.task_id in by_task:
            by_task[copy.task_id].append(copy)
    return by_task


def record_answers(
    answered: Sequence[Notification], read: Sequence[Notification], unneeded: Mapping[UUID, Reason], now: datetime
) -> None:
    """Save the changes by answers to copies in memory, each with a new seq: state, outcome, and reading by the person
    who answered. In the copies `read`, nothing else has changed. The tasks are locked.

    `unneeded`: copies for which no message is needed any more, and why.
    """
    # A person who reads a copy at this moment locks only their own row, so a newer read_at in the row stays.
    read_at_assignment = "read_at = COALESCE(work.read_at, said.read_at)"
    _save([*answered, *read], ["state", "outcome"], now, also=[read_at_assignment], compared=["read_at"])
    superseding.outdate([row.pk for row in answered], now, unneeded=unneeded)


def rewrite(rows: Sequence[Notification], fields: Sequence[str], now: datetime, *, alert: bool) -> None:
    """Save changed texts of notifications, each with a new seq.

    Devices replace the message that they show, unless an `alert` sends them a new one.
    """
    _save(rows, fields, now)
    if not alert:
        superseding.outdate([row.pk for row in rows], now)


def _save(rows: Sequence[Notification], fields: Iterable[str], now: datetime, **more: Sequence[str]) -> None:
    """Save these fields of changed notifications, each with a new seq, and update open inboxes."""
    if not rows:
        return
    number(rows)
    for row in rows:
        row.updated_at = now
    bulk.update(rows, ["seq", "updated_at", *fields], **more)
    live_frames.announce_on_commit(rows)


def show_deadlines(tasks: Iterable[Task], now: datetime) -> None:
    """Show moved deadlines of tasks in their open copies and on devices. Each copy gets a new seq, and loses a notice,
    which may name the old deadline.

    The tasks are locked. Their people are locked here, all at once: a transaction that locks other people must do so
    before.
    """
    deadlines = {task.pk: task.deadline for task in tasks}
    rows = standing(deadlines).order_by("recipient_id", "task_id")
    moved = [row for row in rows if row.task_id is not None and row.due_at != deadlines[row.task_id]]
    for notification in moved:
        assert notification.task_id is not None
        notification.due_at, notification.notice = deadlines[notification.task_id], ""
    rewrite(moved, ["due_at", "notice"], now, alert=False)


def open_copies(task: Task) -> QuerySet[Notification]:
    """Return the open copies of a task: those that ask for an answer, and those of a task without actions."""
    return standing([task])


def stands(copy: Notification) -> bool:
    """Return whether a copy is open in the sense of `open_copies`."""
    return copy.state == NotificationState.OPEN or (copy.state == NotificationState.INFO and copy.is_copy)


STANDING = Q(state=NotificationState.OPEN) | Q(state=NotificationState.INFO, is_copy=True)
"""`stands` in SQL."""


def standing(tasks: Iterable[Task | UUID]) -> QuerySet[Notification]:
    """Return the open copies of several tasks."""
    return Notification.objects.filter(STANDING, task__in=[*tasks])


ADDRESSED = (NotificationState.OPEN, NotificationState.ANSWERED, NotificationState.EXPIRED)
"""States of copies whose people have, or had until its end, the task."""


def telling_copies(task: Task) -> QuerySet[Notification]:
    """Return copies that show the result of an answer, including those withdrawn with their task while the answer was
    being sent."""
    taken_back = Q(state=NotificationState.WITHDRAWN, outcome__engine="waiting")
    return Notification.objects.filter(Q(state__in=ADDRESSED) | taken_back, task=task)


def withdraw(why: Mapping[Notification, Reason], now: datetime) -> None:
    """Withdraw open copies, each for its reason and with a new seq, and void tokens that could answer them. Their
    outcome is in the objects."""
    if not why:
        return
    rows = list(why)
    for row, reason in why.items():
        _take_back(row, reason)
    _save_ends(rows, {row.pk: reason for row, reason in why.items()}, now)
    revoked_items.stop_following(rows)


def told_of_end(tasks: Iterable[Task | UUID]) -> QuerySet[Notification]:
    """Return copies that change when the engine closes their tasks: those that are open, or were answered."""
    ids = [*tasks]
    return standing(ids) | Notification.objects.filter(state=NotificationState.ANSWERED, task__in=ids)


def end(rows: Sequence[Notification], ended: Mapping[UUID, tuple[Reason, Json | None]], now: datetime) -> None:
    """Withdraw open copies of closed tasks, and let answered ones show the outcome, each with a new seq.

    `ended`: why each task was closed, and its outcome. The tasks and the people are locked.
    """
    withdrawn: dict[UUID, Reason] = {}
    for row in rows:
        assert row.task_id is not None
        reason, row.outcome = ended[row.task_id]
        if row.state != NotificationState.ANSWERED:
            _take_back(row, reason)
            withdrawn[row.pk] = reason
    _save_ends(rows, withdrawn, now)


def _take_back(row: Notification, reason: Reason) -> None:
    row.state, row.reason_fact = NotificationState.WITHDRAWN, reason.as_json()


def _save_ends(rows: Sequence[Notification], withdrawn: Mapping[UUID, Reason], now: datetime) -> None:
    if rows:
        _save(rows, ["state", "outcome", "reason_fact"], now)
        superseding.outdate([row.pk for row in rows], now, unneeded=withdrawn)
        void_tokens(withdrawn, now)


_VOID = """
UPDATE notifications_actiontoken token
SET voided_at = %s, void_reason_fact = said.fact::jsonb
FROM unnest(%s::uuid[], %s::text[]) AS said(notification, fact)
WHERE token.notification_id = said.notification AND token.voided_at IS NULL
"""


def void_tokens(why: Mapping[UUID, Reason], now: datetime) -> None:
    """Void the tokens that answer these notifications, each for its reason."""
    with connection.cursor() as cursor:
        cursor.execute(_VOID, [now, [*why], reasons.as_column(why.values())])


def live_rows(event: Event, rows: Iterable[Notification], now: datetime, reason: Reason = NOTHING) -> list[Delivery]:
    """Return ledger rows, not saved, for changes in inboxes: a live change counts as delivered at once."""
    fact = reason.as_json()
    return [
        Delivery(
            event=event,
            notification=row,
            recipient_id=row.recipient_id,
            channel=INBOX,
            state=DeliveryState.DELIVERED,
            created_at=now,
            ended_at=now,
            reason_fact=fact,
        )
        for row in rows
    ]


def mark_read(unread: QuerySet[Notification], now: datetime, opened_by: str | None = None) -> int:
    """Mark one person's notifications as read, each with a new seq, oldest first. Must run in a transaction.

    `opened_by`: the way in which they were opened, if they were. Notifications read before keep their own.
    """
    rows = list(unread.filter(read_at=None).order_by("seq"))
    if not rows:
        return 0
    recipient_id = rows[0].recipient_id
    last = allocate({recipient_id: len(rows)})[recipient_id]
    fresh = list(Notification.objects.filter(pk__in=[row.pk for row in rows]).order_by("seq"))
    for seq, row in enumerate(fresh, last - len(fresh) + 1):
        if row.read_at is None:
            row.read_at, row.opened_by = now, opened_by
        row.seq, row.updated_at = seq, now
    Notification.objects.bulk_update(fresh, ["seq", "read_at", "opened_by", "updated_at"], batch_size=500)
    live_frames.announce_on_commit(fresh)
    return len(fresh)
