"""Prunes data that are older than administrators want them stored, as due work in small steps.

Once a day all steps are gone through, each table by its primary key, which begins with the time. A step reads some
hundred rows, deletes those that may go in one transaction, and stores its position. So if a worker ends, the next one
goes on there, and nobody waits for a lock. Without a rule nothing is read.

A task is deleted, with all its rows, when the last of its copies may be, each by its own category. Tasks that wait,
that must still be sent to an engine, or with a message under way, stay; so do those of held cases.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from notifications.models import (
    ANSWERABLE,
    Callback,
    Case,
    Delivery,
    DeliveryState,
    Device,
    Event,
    Notification,
    NotificationState,
    Task,
    TaskMessage,
)
from notifications.models.delivery import GONE
from notifications.people import devices
from notifications.retention.models import LegalHold, Pruning
from notifications.retention.rules import KINDS, Rules, in_force
from wfpush.identifiers import lowest_id
from wfpush.postgres import keys
from wfpush.queue import outbox, steps

log = structlog.get_logger(__name__)

SOURCE_NAME = "pruning"
AFTER_FAULT = timedelta(minutes=5)
UNDER_WAY = Q(due_at__isnull=False) | Q(state=DeliveryState.PENDING)
"""Messages that must still be sent, wait for another turn, or are held back."""
TASKS_AT_ONCE = 200
"""Number of tasks that are checked, and deleted together with some thousand rows."""
AT_ONCE = 500
"""Number of other rows that are checked."""


def prune_tasks(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    looked_at = _looked_at(Task, rules.newest("items"), after, TASKS_AT_ONCE)
    may_go = Task.objects.filter(keys.among(Task, looked_at)).filter(_ended(rules)).exclude(in_force("case"))
    rows = may_go.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    going = list(rows.values_list("pk", flat=True)) if looked_at else []
    delete(going)
    return next_key(looked_at, TASKS_AT_ONCE), len(going)


def _looked_at(model: type[Any], until: datetime | None, after: str, most: int) -> list[Any]:
    """Return keys of rows that are older than `until`, by the primary key, which begins with the time: no other index
    is needed, and nothing newer is read."""
    if until is None:
        return []
    rows = model._default_manager.filter(pk__lt=lowest_id(until)).order_by("pk")
    return list((rows.filter(pk__gt=UUID(after)) if after else rows).values_list("pk", flat=True)[:most])


def next_key(looked_at: Collection[Any], most: int) -> str:
    return str([*looked_at][-1]) if len(looked_at) == most else ""


def _ended(rules: Rules) -> Q:
    """Return the condition that a task and all its rows have ended, long enough ago."""
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
    """Delete tasks with all their rows, in a transaction. Events of further items count the rows left."""
    if not tasks:
        return
    items = Notification.objects.filter(Q(task__in=tasks) | Q(addressed__message__task__in=tasks))
    forget_items(list(items.distinct().values_list("pk", flat=True)), Event.objects.filter(task__in=tasks))
    Task.objects.filter(pk__in=tasks).delete()


def forget_items(items: list[UUID], also: QuerySet[Event] | None = None) -> None:
    """Delete items with their messages. Their events are deleted, too (`also` in any case), unless they have further
    messages or items. Those events count the rows left, so that the ledger adds up."""
    event_ids: set[Any] = set(Delivery.objects.filter(notification__in=items).values_list("event", flat=True))
    event_ids |= set(Notification.objects.filter(pk__in=items, event__isnull=False).values_list("event", flat=True))
    Notification.objects.filter(pk__in=items).delete()
    going: set[Any] = set(also.values_list("pk", flat=True)) if also is not None else set()
    left = event_ids - going
    stay: set[Any] = set(Delivery.objects.filter(event__in=left).values_list("event", flat=True))
    stay |= set(Notification.objects.filter(event__in=left).values_list("event", flat=True))
    others = Event.objects.filter(pk__in=left).filter(Q(task__isnull=False) | Q(due_at__isnull=False))
    stay |= set(others.values_list("pk", flat=True))
    rows = Delivery.objects.filter(event=OuterRef("pk")).order_by().values("event")
    count = Subquery(rows.values(count=Count("pk")))
    Event.objects.filter(pk__in=stay).update(told=Coalesce(count, 0))
    Event.objects.filter(pk__in=going | (left - stay)).delete()


def _locked(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("pk").select_for_update(skip_locked=True, of=("self",)))


def prune_news(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    """Prune items about no task, such as milestones of cases."""
    ids = _looked_at(Notification, rules.newest("items"), after, AT_ONCE)
    under_way = Delivery.objects.filter(UNDER_WAY, notification=OuterRef("pk"))
    rows = Notification.objects.filter(keys.among(Notification, ids), task=None, addressed=None)
    rows = rows.annotate(until=rules.until("items", "category")).filter(updated_at__lt=F("until"))
    rows = rows.exclude(state=NotificationState.OPEN).exclude(Exists(under_way)).exclude(in_force("case"))
    going = [row.pk for row in _locked(rows)] if ids else []
    if going:
        forget_items(going)
    return next_key(ids, AT_ONCE), len(going)


def prune_events(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    ids = _looked_at(Event, rules.usual["events"], after, AT_ONCE)
    rows = Event.objects.filter(keys.among(Event, ids), task=None, due_at=None)
    rows = rows.exclude(Exists(Delivery.objects.filter(event=OuterRef("pk"))))
    rows = rows.exclude(Exists(Notification.objects.filter(event=OuterRef("pk")))).exclude(in_force("case"))
    going = [row.pk for row in _locked(rows)] if ids else []
    if going:
        Event.objects.filter(pk__in=going).delete()
    return next_key(ids, AT_ONCE), len(going)


def prune_cases(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    """Prune cases without tasks and items, with the events that are left of them."""
    until = rules.newest("items")
    if until is None:
        return "", 0
    cases = Case.objects.order_by("pk")
    ids = list((cases.filter(pk__gt=int(after)) if after else cases).values_list("pk", flat=True)[:AT_ONCE])
    young = Event.objects.filter(case=OuterRef("pk")).filter(Q(pk__gte=lowest_id(until)) | Q(due_at__isnull=False))
    rows = Case.objects.filter(pk__in=ids, updated_at__lt=until).exclude(in_force(""))
    rows = rows.exclude(Exists(Task.objects.filter(case=OuterRef("pk"))))
    rows = rows.exclude(Exists(Notification.objects.filter(case=OuterRef("pk")))).exclude(Exists(young))
    going = [row.pk for row in _locked(rows)]
    if going:
        Event.objects.filter(case__in=going).delete()
        LegalHold.objects.filter(case__in=going).delete()  # lifted ones; the audit list has them
        Case.objects.filter(pk__in=going).delete()
    return next_key(ids, AT_ONCE), len(going)


def prune_devices(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    until = rules.usual["devices"]
    if until is None:
        return "", 0
    unused = Device.objects.filter(last_used_at__lt=until).order_by("pk")[:AT_ONCE]
    removed = devices.remove(unused, devices.EXPIRED, now)
    return "more" if removed == AT_ONCE else "", removed


# --- addresses --------------------------------------------------------------------------------------------------------
HELD = "notification__case notification__task__case"


def prune_addresses(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    """Remove addresses of old messages from the ledger and from the traces of events."""
    ids = _looked_at(Delivery, rules.newest("addresses"), after, AT_ONCE)
    rows = Delivery.objects.filter(keys.among(Delivery, ids)).annotate(
        until=rules.until("addresses", "notification__category")
    )
    rows = rows.filter(created_at__lt=F("until")).exclude(in_force(HELD))
    delivery_ids = list(rows.values_list("pk", flat=True)) if ids else []
    return next_key(ids, AT_ONCE), forget_addresses(delivery_ids) if delivery_ids else 0


def forget_addresses(ids: list[Any]) -> int:
    """Remove the addresses of those deliveries that nothing waits for, in a transaction. Return their number."""
    queryset = Delivery.objects.filter(pk__in=ids).exclude(address="", shown_to="")
    queryset = queryset.exclude(Q(address__startswith=GONE) & Q(shown_to=""))
    rows = _locked(queryset.exclude(state=DeliveryState.PENDING).filter(due_at=None))
    if not rows:
        return 0
    _forget_in_traces(rows)
    for row in rows:
        row.address, row.shown_to = f"{GONE}{row.pk}" if row.address else "", ""
    Delivery.objects.bulk_update(rows, ["address", "shown_to"])
    return len(rows)


def _forget_in_traces(rows: list[Delivery]) -> None:
    items = {str(row.notification_id) for row in rows}
    events = _locked(Event.objects.filter(pk__in={row.event_id for row in rows}))
    for event in events:
        for recipient in event.plan.get("recipients") or []:
            if recipient.get("notification") in items:
                recipient["channels"] = [{**each, "to": ""} for each in recipient.get("channels") or []]
    Event.objects.bulk_update(events, ["plan"], batch_size=100)


# --- the steps --------------------------------------------------------------------------------------------------------
Step = Callable[[Rules, str, datetime], tuple[str, int]]
"""Prunes the rows after a key. Returns the last key read, empty at the end, and the number of rows deleted."""

STEPS: dict[str, Step] = {
    "tasks": prune_tasks,
    "news": prune_news,
    "events without items": prune_events,
    "cases": prune_cases,
    "addresses of messages": prune_addresses,
    "unused devices": prune_devices,
}
"""The steps by names that never change: a running pass stores them."""


def begin(now: datetime) -> bool:
    """Start a new pass, unless one is under way. Return False if there is nothing to do."""
    rules = Rules.read(now)
    if not any(rules.newest(kind) for kind in KINDS):
        return False
    with transaction.atomic():
        row = Pruning.objects.select_for_update(no_key=True).first() or Pruning.objects.create()
        if row.due_at is not None:
            return True
        queryset = Pruning.objects.filter(pk=row.pk)
        outbox.make_due(queryset, now, step="", cursor="", removed={}, began_at=now, ended_at=None)
        outbox.wake_on_commit(SOURCE_NAME)
    return True


def has_due(now: datetime) -> bool:
    return outbox.due(Pruning.objects.all(), now).exists()


def drain() -> None:
    steps.drain(Pruning, SOURCE_NAME, _step, AFTER_FAULT)


def run_through(now: datetime) -> dict[str, int]:
    """Do a whole pass here and now, for `manage.py prune`. A worker may take turns with it."""
    if not begin(now):
        return {}
    while Pruning.objects.filter(due_at__isnull=False).exists():
        drain()
        if not has_due(timezone.now()):
            time.sleep(0.1)  # another process has the pass, for one turn
    removed: dict[str, int] = Pruning.objects.get().removed
    return removed


def run(now: datetime, through: bool) -> dict[str, int]:
    """Begin a pass, or do a whole one here and now (`through`). Return the numbers of rows removed."""
    if through:
        return run_through(now)
    begin(now)
    return {}


@transaction.atomic
def _step(pruning: Pruning, now: datetime) -> bool:
    """Do one step. Return False when all steps are done, or another worker has the row."""
    held = outbox.held(pruning).select_for_update(no_key=True).first()
    if held is None:
        return False
    names = list(STEPS)
    name = held.step if held.step in STEPS else names[0]
    cursor, removed = STEPS[name](Rules.read(now), held.cursor, now)
    follows = name if cursor else next(iter(names[names.index(name) + 1 :]), "")
    counts = {**held.removed, name: held.removed.get(name, 0) + removed}
    if follows:
        Pruning.objects.filter(pk=held.pk).update(step=follows, cursor=cursor, removed=counts)
        return True
    outbox.finish(held, step="", cursor="", removed=counts, ended_at=now)
    if any(counts.values()):
        log.info("pruned", **{step.replace(" ", "_"): count for step, count in counts.items()})
    return False


SOURCES: Sequence[outbox.Source] = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
