"""What goes beside tasks: news, events that told nobody, cases without anything, addresses, and unused devices."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from notifications.models import (
    Case,
    Delivery,
    DeliveryState,
    Device,
    Event,
    LegalHold,
    Notification,
    NotificationState,
    Task,
)
from notifications.models.delivery import GONE
from notifications.people import devices
from notifications.retention import holds
from notifications.retention.pruned_tasks import UNDER_WAY, forget_items, next_key, older
from notifications.retention.rules import Rules
from wfpush.identifiers import lowest_id
from wfpush.postgres import keys

AT_ONCE = 500


def _looked_at(model: type[Any], until: datetime | None, after: str) -> list[Any]:
    if until is None:
        return []
    return list(older(model, until, after).values_list("pk", flat=True)[:AT_ONCE])


def _locked(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("pk").select_for_update(skip_locked=True, of=("self",)))


def prune_news(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    """Items that are about no task, such as milestones of cases."""
    ids = _looked_at(Notification, rules.newest("items"), after)
    under_way = Delivery.objects.filter(UNDER_WAY, notification=OuterRef("pk"))
    rows = Notification.objects.filter(keys.among(Notification, ids), task=None, addressed=None)
    rows = rows.annotate(until=rules.until("items", "category")).filter(updated_at__lt=F("until"))
    rows = rows.exclude(state=NotificationState.OPEN).exclude(Exists(under_way)).exclude(holds.in_force("case"))
    going = [row.pk for row in _locked(rows)] if ids else []
    if going:
        forget_items(going)
    return next_key(ids, AT_ONCE), len(going)


def prune_events(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    ids = _looked_at(Event, rules.usual["events"], after)
    rows = Event.objects.filter(keys.among(Event, ids), task=None, due_at=None)
    rows = rows.exclude(Exists(Delivery.objects.filter(event=OuterRef("pk"))))
    rows = rows.exclude(Exists(Notification.objects.filter(event=OuterRef("pk")))).exclude(holds.in_force("case"))
    going = [row.pk for row in _locked(rows)] if ids else []
    if going:
        Event.objects.filter(pk__in=going).delete()
    return next_key(ids, AT_ONCE), len(going)


def prune_cases(rules: Rules, after: str, now: datetime) -> tuple[str, int]:
    """A case ends with the last of its tasks and items: events that are left of it go along."""
    until = rules.newest("items")
    if until is None:
        return "", 0
    cases = Case.objects.order_by("pk")
    ids = list((cases.filter(pk__gt=int(after)) if after else cases).values_list("pk", flat=True)[:AT_ONCE])
    young = Event.objects.filter(case=OuterRef("pk")).filter(Q(pk__gte=lowest_id(until)) | Q(due_at__isnull=False))
    rows = Case.objects.filter(pk__in=ids, updated_at__lt=until).exclude(holds.in_force(""))
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
    ids = _looked_at(Delivery, rules.newest("addresses"), after)
    rows = Delivery.objects.filter(keys.among(Delivery, ids)).annotate(
        until=rules.until("addresses", "notification__category")
    )
    rows = rows.filter(created_at__lt=F("until")).exclude(holds.in_force(HELD))
    delivery_ids = list(rows.values_list("pk", flat=True)) if ids else []
    return next_key(ids, AT_ONCE), forget_addresses(delivery_ids) if delivery_ids else 0


def forget_addresses(ids: list[Any]) -> int:
    """Remove the addresses of those deliveries that nothing waits for. In a transaction."""
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
