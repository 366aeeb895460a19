"""Audit of the ledger's sums: all rows that events made are there, and each has one end or is in progress."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, OuterRef, Q, Sum

from notifications.items import ledger
from notifications.models import Delivery, DeliveryState, Event, EventStatus
from wfpush.identifiers import lowest_id

OVERDUE = timedelta(minutes=10)
"""Time after which a due row shows that no worker runs."""


@dataclass(frozen=True)
class Sums:
    """Sums for some events: the number of events by status, the rows that their transactions counted (`made`), and the
    rows that exist now, by channel and state."""

    events: dict[str, int]
    made: int
    rows: dict[tuple[str, str], int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def sums_since(since: datetime) -> Sums:
    """Return the sums for events received since then."""
    events = Event.objects.filter(pk__gte=lowest_id(since))
    statuses = dict(events.order_by().values_list("status").annotate(Count("pk")))
    made = events.aggregate(made=Sum("told"))["made"] or 0
    return Sums(statuses, made, ledger.sums(Delivery.objects.filter(event__in=events)))


def faults_since(since: datetime, now: datetime) -> list[str]:
    """Return the faults in sentences; empty when all is well. Reads every row of the events received since then."""
    events = Event.objects.filter(pk__gte=lowest_id(since)).exclude(status=EventStatus.ACCEPTED)
    rows = Delivery.objects.filter(event_id__gte=lowest_id(since))
    ended = ~Q(state=DeliveryState.PENDING)
    before = Delivery.objects.filter(
        notification=OuterRef("notification"), event=OuterRef("event"), turn__lt=OuterRef("turn"),
        state=DeliveryState.PENDING,
    )  # fmt: skip
    queries = {
        "events have other rows than they made (a person's rows go with the person)": events.annotate(
            there=Count("deliveries")
        ).exclude(told=F("there")),
        "messages wait behind nothing": rows.filter(ledger.RESERVE).exclude(Exists(before)),
        "messages have ended, and say not when": rows.filter(ended, ended_at=None),
        "messages have ended, and are due": rows.filter(ended, outdated=False, due_at__isnull=False),
        "messages have been due for over 10 minutes": rows.filter(
            state=DeliveryState.PENDING, due_at__lt=now - OVERDUE
        ),
    }
    counts = {name: query.count() for name, query in queries.items()}
    return [f"{count} {name}" for name, count in counts.items() if count]
