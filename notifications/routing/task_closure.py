"""The end of tasks that engines have closed: waiting answers are dropped, open copies withdrawn, outcomes shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notifications import reasons
from notifications.connectors.reasons import CLOSED_THERE
from notifications.items import inbox_items
from notifications.items.representation import tells_of
from notifications.models import (
    Callback,
    CallbackState,
    Delivery,
    Event,
    Notification,
    NotificationState,
    Task,
    TaskState,
)
from notifications.models.responses import may_have_arrived
from notifications.reasons import Reason
from notifications.routing.plan import Plan
from wfpush.queue import outbox


@dataclass(frozen=True)
class Closing:
    """A closed task, the event that closed it, and the trace of the event."""

    event: Event
    task: Task
    plan: Plan

    @property
    def reason(self) -> Reason:
        return reasons.COMPLETED() if self.task.state == TaskState.COMPLETED else reasons.CANCELLED()


def recipients(closings: Sequence[Closing]) -> set[int]:
    """Return the keys of the people whose inboxes will change."""
    ids = [closing.task.pk for closing in closings]
    return set(inbox_items.told_of_end(ids).values_list("recipient_id", flat=True)) if ids else set()


def close(closings: Sequence[Closing], now: datetime) -> None:
    """End the copies of closed tasks. The caller has locked the tasks and the people."""
    drop_waiting_callbacks([closing.task for closing in closings], now)
    rows: dict[UUID | None, list[Notification]] = {closing.task.pk: [] for closing in closings}
    copies = inbox_items.told_of_end([closing.task for closing in closings]).select_related("recipient")
    for row in sorted(copies, key=lambda row: (row.state == NotificationState.ANSWERED, row.recipient_id)):
        rows[row.task_id].append(row)
    ended = {closing.task.pk: (closing.reason, closing.task.outcome) for closing in closings}
    inbox_items.end([row for mine in rows.values() for row in mine], ended, now)
    deliveries = {
        closing.task.pk: inbox_items.live_rows(closing.event, rows[closing.task.pk], now, closing.reason)
        for closing in closings
    }
    Delivery.objects.bulk_create([row for mine in deliveries.values() for row in mine], ignore_conflicts=True)
    for closing in closings:
        closing.plan.changed(rows[closing.task.pk], closing.reason, deliveries[closing.task.pk])


def drop_waiting_callbacks(tasks: Iterable[Task], now: datetime) -> None:
    """End callbacks about decisions of the engine itself as handled: the engine need not be notified.

    A callback that may have reached the engine keeps its own result: the engine may be reporting the effect of that
    very answer.
    """
    by_id = {task.pk: task for task in tasks}
    waiting = Callback.objects.filter(
        outbox.not_leased(now), ~may_have_arrived(), task__in=by_id, state=CallbackState.WAITING
    ).order_by("pk")
    dropped = list(waiting.select_related("response__recipient").select_for_update(of=("self",)))
    if not dropped:
        return
    handled = Callback.objects.filter(pk__in=[callback.pk for callback in dropped])
    outbox.finish_all(handled, state=CallbackState.HANDLED, ended_at=now, detail_fact=CLOSED_THERE().as_json())
    for callback in dropped:
        task = by_id[callback.task_id]
        if task.outcome and callback.response is not None and tells_of(task.outcome, callback.response):
            task.outcome = {**task.outcome, "engine": "handled"}
            task.save(update_fields=["outcome", "updated_at"])
