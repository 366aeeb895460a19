"""What apps add to `/metrics`, and to the notes of `/readyz` and `manage.py doctor`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from wfpush.queue.outbox import Work


@dataclass(frozen=True)
class Queue:
    """A table that is its own outbox. Rows outside `workable` wait for an administrator, not for a worker. `waiting`
    returns the rows that wait at an instant; None: those that are due."""

    name: str
    model: type[Work]
    workable: Q = field(default_factory=Q)
    waiting: Callable[[datetime], QuerySet[Any]] | None = None

    def rows(self) -> QuerySet[Any]:
        return self.model._default_manager.filter(self.workable)

    def due(self, now: datetime) -> QuerySet[Any]:
        return self.waiting(now).filter(self.workable) if self.waiting else self.rows().filter(due_at__lte=now)


@dataclass(frozen=True)
class Metrics:
    """A module with `FAMILIES`: functions that take the present time and return Prometheus metrics. Each has a second
    in the database (`readiness.short_statements`), and is left out if that is not enough."""

    module: str


@dataclass(frozen=True)
class Notes:
    """Sentences in English for an administrator, about what does not stop the work."""

    read: Callable[[datetime], Iterable[str]]
