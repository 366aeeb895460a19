"""The kinds of failed work: which rows may be sent again, how, and how they are put back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from notifications.models import Callback, Delivery, Event
from notifications.replays import callbacks, deliveries, events
from notifications.replays.models import ReplayKind
from notifications.types import Json
from wfpush.postgres import keys

Before = Mapping[UUID, Json]
"""Values of rows before they were sent again, by key."""


@dataclass(frozen=True)
class Kind:
    """A kind of failed work. `eligible` returns the condition for rows that may be sent again; `ended`: column of their
    failure's time. `untaken`: rows sent again that no worker has taken yet. `together`: rows of one transaction."""

    name: ReplayKind
    model: type[Model]
    eligible: Callable[[datetime], Q]
    ended: str
    lock: Callable[[QuerySet[Any]], QuerySet[Any]]
    again: Callable[[QuerySet[Any], datetime], int]
    put_back: Callable[[Before, datetime], set[UUID]]
    untaken: Q
    restored: Sequence[str]
    together: int

    def chosen(self, rows: QuerySet[Any], as_of: datetime) -> QuerySet[Any]:
        """Return the rows that may be sent again and had failed by `as_of`."""
        failed = Q(**{f"{self.ended}__lte": as_of}) | Q(**{self.ended: None})
        return rows.filter(self.eligible(as_of), failed)

    def send_again(self, ids: Sequence[UUID], as_of: datetime, now: datetime) -> Before:
        """Send those of the rows again that still may be, in a transaction. Return their values before that."""
        rows = self.model._default_manager.filter(pk__in=ids)
        list(self.lock(rows))
        before = {row.pk: self._as_it_is(row) for row in self.chosen(rows, as_of)}
        return before if self.again(rows.filter(pk__in=before), now) else {}

    def _as_it_is(self, row: Any) -> Json:
        values = {name: getattr(row, name) for name in self.restored}
        return {name: each.isoformat() if isinstance(each, datetime) else each for name, each in values.items()}

    def untaken_of(self, ids: Sequence[UUID]) -> int:
        return self.model._default_manager.filter(self.untaken, keys.among(self.model, ids)).count()

    def back(self, before: Before, now: datetime) -> set[UUID]:
        """Put rows back as they were, in a transaction. Return the keys of those that no worker had taken."""
        fields = {name: self.model._meta.get_field(name) for name in self.restored}
        values = {
            pk: {name: fields[name].to_python(value) for name, value in row.items()}  # type: ignore[union-attr]
            for pk, row in before.items()
        }
        return self.put_back(values, now)


def _lock_them(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by("pk").values_list("pk").select_for_update(no_key=True)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            ReplayKind.EVENTS,
            Event,
            lambda now: events.MAY_BE_SENT,
            "processed_at",
            _lock_them,
            events.send_again,
            events.put_back,
            events.UNTAKEN,
            ("status", "attempts", "error", "processed_at"),
            500,
        ),
        Kind(
            ReplayKind.DELIVERIES,
            Delivery,
            lambda now: deliveries.MAY_BE_SENT,
            "ended_at",
            _lock_them,
            deliveries.send_again,
            deliveries.put_back,
            deliveries.UNTAKEN,
            ("state", "attempts", "created_at", "ended_at", "expires_at", "reason_fact"),
            500,
        ),
        Kind(
            ReplayKind.CALLBACKS,
            Callback,
            callbacks.may_be_sent,
            "ended_at",
            callbacks.lock_tasks,
            callbacks.send_again,
            callbacks.put_back,
            callbacks.UNTAKEN,
            ("state", "attempts", "due_at", "ended_at", "first_attempt_at", "alert_fact"),
            1,  # each callback locks its task, as answers do, and changes people's copies
        ),
    )
}
