"""The rules of administrators as instants: what is older than these may go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, Value, When

from notifications.models import RetentionRule

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

    @property
    def say_anything(self) -> bool:
        return any(self.newest(kind) for kind in KINDS)

    def newest(self, kind: str) -> datetime | None:
        """Return the time after which rows of every category stay; None: all rows stay."""
        limits = [each for each in (self.usual[kind], *self.of_category[kind].values()) if each is not None]
        return max(limits, default=None)

    def until(self, kind: str, category: str) -> Any:
        """In SQL, by the category at this path: the instant, or NULL."""
        each = [When(**{category: pk}, then=Value(until)) for pk, until in self.of_category[kind].items()]
        return Case(*each, default=Value(self.usual[kind]), output_field=DateTimeField(null=True))
