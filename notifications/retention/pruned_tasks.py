"""Tasks that have ended go with all that belongs to them: copies, messages sent, answers, conversation, files, events.

A task goes when the last of its copies may, each by its own category. Tasks that wait, of which an engine is still to
be told, or of which a message is under way, stay; so do those of held cases.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from notifications.models import (
    ANSWERABLE,
    Callback,
    Delivery,
    DeliveryState,
    Event,
    Notification,
    NotificationState,
    Task,
    TaskMessage,
)
from notifications.retention import holds
from notifications.retention.rules import Rules
from wfpush.identifiers import lowest_id
from wfpush.postgres import keys

UNDER_WAY = Q(due_at__isnull=False) | Q(state=DeliveryState.PENDING)
"""Messages that are sent yet, wait for another turn, or are held back."""
AT_ONCE = 200
"""Tasks that are looked at, and deleted together with some thousand rows."""


def prune(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    until = rules.newest("items")
    if until is None:
        return "", 0
    looked_at = list(older(Task, until, after).values_list("pk", flat=True)[:AT_ONCE])
    may_go = Task.objects.filter(keys.among(Task, looked_at)).filter(_ended(rules)).exclude(holds.in_force("case"))
    rows = may_go.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    going = list(rows.values_list("pk", flat=True)) if looked_at else []
    delete(going)
    return next_key(looked_at, AT_ONCE), len(going)


def older(model: type[Any], until: datetime, after: str) -> QuerySet[Any]:
    """By the primary key, which begins with the time: no other index is needed, and nothing newer is read."""
    rows: QuerySet[Any] = model._default_manager.filter(pk__lt=lowest_id(until)).order_by("pk")
    return rows.filter(pk__gt=UUID(after)) if after else rows


def next_key(looked_at: Collection[Any], most: int) -> str:
    return str([*looked_at][-1]) if len(looked_at) == most else ""


def _ended(rules: Rules) -> Q:
    """Whether a task and all that belongs to it has ended, long enough ago."""
    copies = Notification.objects.filter(task=OuterRef("pk"))
    dated = copies.annotate(until=rules.until("items", "category"))
    young = dated.filter(Q(until=None) | Q(updated_at__gte=F("until")) | Q(state=NotificationState.OPEN))
    usual = rules.usual["items"]
    without = Q(updated_at__lt=usual) if usual is not None else Q(pk=None)
    return (
        ~Q(state__in=ANSWERABLE)
        & ~Exists(young)
        & (Q(Exists(copies)) | without)
        & ~Exists(Callback.objects.filter(task=OuterRef("pk"), due_at__isnull=False))
        & ~Exists(TaskMessage.objects.filter(task=OuterRef("pk"), due_at__isnull=False))
        & ~Exists(Event.objects.filter(task=OuterRef("pk"), due_at__isnull=False))
        & ~Exists(Delivery.objects.filter(UNDER_WAY, notification__task=OuterRef("pk")))
    )


# --- deleting ---------------------------------------------------------------------------------------------------------
def delete(tasks: list[UUID]) -> None:
    """With all that belongs to them, in a transaction. Events that told of other things, too, count what is left."""
    if not tasks:
        return
    items = Notification.objects.filter(Q(task__in=tasks) | Q(addressed__message__task__in=tasks))
    forget_items(list(items.distinct().values_list("pk", flat=True)), Event.objects.filter(task__in=tasks))
    Task.objects.filter(pk__in=tasks).delete()


def forget_items(items: list[UUID], also: QuerySet[Event] | None = None) -> None:
    """Delete items with their messages. Their events go with them (`also` in any case), unless they told others of
    something that stays: then they count what is left, so that the ledger adds up."""
    event_ids: set[Any] = set(Delivery.objects.filter(notification__in=items).values_list("event", flat=True))
    event_ids |= set(Notification.objects.filter(pk__in=items, event__isnull=False).values_list("event", flat=True))
    Notification.objects.filter(pk__in=items).delete()
    going: set[Any] = set(also.values_list("pk", flat=True)) if also is not None else set()
    left = event_ids - going
    stay: set[Any] = set(Delivery.objects.filter(event__in=left).values_list("event", flat=True))
    stay |= set(Notification.objects.filter(event__in=left).values_list("event", flat=True))
    others = Event.objects.filter(pk__in=left).filter(Q(task__isnull=False) | Q(due_at__isnull=False))
    stay |= set(others.values_list("pk", flat=True))
    count_again(stay)
    Event.objects.filter(pk__in=going | (left - stay)).delete()


def count_again(events: Collection[UUID]) -> None:
    rows = Delivery.objects.filter(event=OuterRef("pk")).order_by().values("event")
    count = Subquery(rows.values(count=Count("pk")))
    Event.objects.filter(pk__in=events).update(told=Coalesce(count, 0))
