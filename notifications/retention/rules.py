"""The retention rules of administrators as instants, and legal holds, which keep everything of their cases."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, Exists, OuterRef, Q, Value, When

from notifications.retention.models import Erasure, ErasureState, LegalHold, RetentionRule
from wfpush.queue import outbox

KINDS = ("items", "addresses", "events", "devices")


@dataclass(frozen=True)
class Rules:
    """Per kind: the instant for all categories without a rule (None: kept for good), and those of categories."""

    usual: dict[str, datetime | None]
    of_category: dict[str, dict[int, datetime | None]]

    @classmethod
    def read(cls, now: datetime) -> "Rules":
        rows = list(RetentionRule.objects.all())
        usual: dict[str, datetime | None] = dict.fromkeys(KINDS)
        of_category: dict[str, dict[int, datetime | None]] = {kind: {} for kind in KINDS}
        for row in rows:
            for kind in KINDS:
                days = getattr(row, f"{kind}_days")
                until = now - timedelta(days=days) if days else None
                if row.category_id is None:
                    usual[kind] = until
                else:
                    of_category[kind][row.category_id] = until
        return cls(usual, of_category)

    def newest(self, kind: str) -> datetime | None:
        """Return the time after which rows of every category stay; None: all rows stay."""
        limits = [each for each in (self.usual[kind], *self.of_category[kind].values()) if each is not None]
        return max(limits, default=None)

    def until(self, kind: str, category: str) -> Any:
        """Return the SQL expression for the instant of the category at this path, or NULL."""
        each = [When(**{category: pk}, then=Value(until)) for pk, until in self.of_category[kind].items()]
        return Case(*each, default=Value(self.usual[kind]), output_field=DateTimeField(null=True))


SOURCE_NAME = "erasures"
"""Name of the due work for erasures, which go on when a hold is lifted."""


def in_force(paths: str) -> Q:
    """Return a condition: the row's case is held. `paths` lead to the case; if empty, the rows are cases."""
    ways = [f"{path}_id" for path in paths.split()] or ["pk"]
    condition = Q()
    for way in ways:
        condition |= Q(Exists(LegalHold.objects.filter(case=OuterRef(way), lifted_at=None)))
    return condition


@transaction.atomic
def lift(hold: LegalHold, by: Any, now: datetime) -> bool:
    """Lift the hold and resume the erasures that wait for holds. Return False if it was lifted before."""
    lifted = LegalHold.objects.filter(pk=hold.pk, lifted_at=None).update(lifted_at=now, lifted_by=by)
    if lifted:
        waiting = Erasure.objects.filter(state=ErasureState.HELD)
        outbox.make_due(waiting, now, state=ErasureState.RUNNING, step="", cursor="")
        outbox.wake_on_commit(SOURCE_NAME)
    return bool(lifted)
