"""Sends answers to engines again, under the same id."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from notifications.connectors.reasons import GIVEN_UP
from notifications.engines import callback as calls
from notifications.engines import callback_results
from notifications.models import CLOSED, Callback, CallbackState, Task
from notifications.reasons import NOTHING
from notifications.types import Json
from wfpush.queue import outbox

UNTAKEN = Q(state=CallbackState.WAITING, due_at__isnull=False, lease_token=None, first_attempt_at=None)
"""Callbacks that are queued to be sent again, before any worker has taken them."""


def may_be_sent(now: datetime) -> Q:
    """Return the filter for callbacks, given up or tried in vain, that may still be sent and no worker has."""
    later = Callback.objects.filter(task=OuterRef("task"), position__gt=OuterRef("position"), response__effect="final")
    overtaken = Exists(later.exclude(state__in=calls.NOT_OVERTAKING))
    given_up = Q(state=CallbackState.FAILED) & ~Q(task__state__in=CLOSED)
    tried = Q(state=CallbackState.WAITING) & (Q(attempts__gt=0) | Q(detail_fact__isnull=False))
    return (given_up | tried) & (Q(response__effect="final") | ~overtaken) & outbox.not_leased(now)


def lock_tasks(callbacks: QuerySet[Callback]) -> QuerySet[Task]:
    """Lock the callbacks' tasks. Every change of callbacks locks the tasks first."""
    return Task.objects.filter(pk__in=callbacks.values("task")).only("pk").order_by("pk").select_for_update(no_key=True)


def send_again(callbacks: QuerySet[Callback], now: datetime) -> int:
    """Send callbacks again that were given up. Return the number of those that can be sent."""
    return sum(send_one(callback, now) for callback in callbacks.select_related("response"))


def send_one(callback: Callback, now: datetime) -> bool:
    """Send a callback again that was given up, under the same id. Return False when it cannot be sent."""
    with transaction.atomic():
        task = Task.objects.select_for_update(no_key=True).get(pk=callback.task_id)
        is_final = callback.response is not None and callback.response.effect == "final"
        given_up = callback.state == CallbackState.FAILED
        if (task.state in CLOSED and given_up) or (not is_final and calls.is_overtaken(callback)):
            return False
        waiting = {"state": CallbackState.WAITING, "ended_at": None, "first_attempt_at": None, "alert_fact": None}
        if not outbox.bring_forward(calls.unended(callback, now), now, **waiting):
            return False
        if given_up:
            callback_results.engine_has_it(callback.pk, CallbackState.WAITING, NOTHING, now)
        outbox.wake_on_commit(calls.SOURCE_NAME)
    return True


def put_back(before: Mapping[UUID, Json], now: datetime) -> set[UUID]:
    """Restore callbacks that were to be sent again. Return the keys of those that no dispatcher had taken."""
    rows = Callback.objects.filter(pk__in=before)
    return {row.pk for row in rows if _put_one_back(row, now, **before[row.pk])}


def _put_one_back(callback: Callback, now: datetime, *, attempts: int, due_at: datetime | None, **before: Any) -> bool:
    with transaction.atomic():
        Task.objects.select_for_update(no_key=True).only("pk").get(pk=callback.task_id)
        untouched = Callback.objects.filter(UNTAKEN, pk=callback.pk, attempts=attempts)
        if due_at is not None:
            return bool(outbox.make_due(untouched, due_at, **before))
        if not outbox.finish_all(untouched, **before):
            return False
        callback_results.engine_has_it(callback.pk, CallbackState.FAILED, GIVEN_UP(), now)
    return True
