"""Counts by the hour how messages are told, seen, answered or ignored, by category and template, and by channel.

In: items, answers and deliveries, by ranges of their ids, which begin with the time. Out: rows of `EngagementCount`.

All of it is known without any pixel: an item is seen when its person opens or answers it (`read_at`), wherever that is.
An hour is counted again at growing intervals, since its messages are seen and answered later.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from notifications.hourly import BANDS, HOUR, KEPT, hour_of
from notifications.models import EngagementCount, EngagementHour
from wfpush.identifiers import lowest_id

COUNTED_FOR = timedelta(days=31)
"""Hours that nobody has counted are counted so long afterwards."""
CHANGES_FOR = timedelta(days=14)
"""So long an hour is counted again."""
SOONEST = timedelta(minutes=10)
SLOWER = 4
"""An hour is counted again after this part of its age."""
SECONDS = 5.0
"""For how long one run goes on."""
FEWEST = 5
"""Of fewer people nothing is shown."""

_LIMITS = ",".join(str(band.total_seconds()) for band in BANDS)
_BAND = "width_bucket(extract(epoch FROM {at} - created_at)::float8, ARRAY[" + _LIMITS + "]::float8[])"
_ITEMS = f"""
WITH item AS (
    SELECT n.category_id, v.template_id, n.recipient_id, n.created_at, n.state, LEAST(n.read_at, mine.at) AS seen_at,
        mine.at AS answered_at
    FROM notifications_notification n
    LEFT JOIN notifications_templateversion v ON v.id = n.template_version_id
    LEFT JOIN LATERAL (
        SELECT min(at) AS at FROM notifications_response r
        WHERE r.notification_id = n.id AND r.recipient_id = n.recipient_id AND r.counts
    ) mine ON true
    WHERE n.id >= %s AND n.id < %s
)
SELECT category_id, template_id, {_BAND.format(at="seen_at")}, {_BAND.format(at="answered_at")},
    seen_at IS NULL AND state IN ('answered', 'withdrawn', 'expired'), count(*),
    bit_or(1::bigint << (recipient_id %% 60)::int)
FROM item GROUP BY 1, 2, 3, 4, 5
"""
_TOLD_BY = """
SELECT channel, count(*), bit_or(1::bigint << (recipient_id %% 60)::int) FROM notifications_delivery
WHERE id >= %s AND id < %s AND state = 'delivered' GROUP BY channel
"""
_ANSWERED_BY = """
SELECT via, count(*), bit_or(1::bigint << (recipient_id %% 60)::int) FROM notifications_response
WHERE id >= %s AND id < %s AND counts GROUP BY via
"""

Group = tuple[int | None, int | None, str]
"""Category, template and channel."""


def _bands() -> list[int]:
    return [0] * (len(BANDS) + 1)


@dataclass
class Counts:
    told: int = 0
    ignored: int = 0
    seen: list[int] = field(default_factory=_bands)
    answered: list[int] = field(default_factory=_bands)
    people: int = 0

    @property
    def at_least(self) -> int:
        """So many people there are, or more."""
        return self.people.bit_count()

    def add(self, other: EngagementCount) -> None:
        self.told += other.told
        self.ignored += other.ignored
        self.seen = [mine + more for mine, more in zip(self.seen, other.seen, strict=True)]
        self.answered = [mine + more for mine, more in zip(self.answered, other.answered, strict=True)]
        self.people |= other.people


# --- counting ---------------------------------------------------------------------------------------------------------
def run(now: datetime) -> int:
    """Count what has to be counted; returns how many hours."""
    until, done = time.monotonic() + SECONDS, 0
    for hour in _to_be_counted(now):
        count_hour(hour, now)
        done += 1
        if time.monotonic() > until:
            break
    return done


def _to_be_counted(now: datetime) -> Iterator[datetime]:
    """The newest first."""
    current = hour_of(now)
    counted = dict(EngagementHour.objects.filter(hour__gt=now - COUNTED_FOR).values_list("hour", "counted_at"))
    for number in range(COUNTED_FOR // HOUR):
        hour = current - number * HOUR
        age = now - hour
        again = age < CHANGES_FOR and hour in counted and counted[hour] <= now - max(SOONEST, age / SLOWER)
        if again or hour not in counted:
            yield hour


@transaction.atomic
def count_hour(hour: datetime, now: datetime) -> None:
    """Write the numbers of the messages that were made in the hour that begins then."""
    EngagementHour.objects.get_or_create(hour=hour, defaults={"counted_at": now})
    row = EngagementHour.objects.select_for_update().get(hour=hour)
    row.counts.all().delete()
    EngagementCount.objects.bulk_create(
        EngagementCount(
            hour=row,
            category_id=category,
            template_id=template,
            channel=channel,
            told=found.told,
            ignored=found.ignored,
            seen=found.seen,
            answered=found.answered,
            people=found.people,
        )
        for (category, template, channel), found in _numbers_of(hour).items()
    )
    row.counted_at = now
    row.save(update_fields=["counted_at"])


def _numbers_of(hour: datetime) -> Mapping[Group, Counts]:
    found: dict[Group, Counts] = defaultdict(Counts)
    ids = [lowest_id(hour), lowest_id(hour + HOUR)]
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, ids)
        for category, template, seen, answered, ignored, count, people in cursor.fetchall():
            group = found[category, template, ""]
            group.told += count
            group.people |= people
            group.ignored += count if ignored else 0
            if seen is not None:
                group.seen[seen] += count
            if answered is not None:
                group.answered[answered] += count
        cursor.execute(_TOLD_BY, ids)
        for channel, count, people in cursor.fetchall():
            found[None, None, channel].told += count
            found[None, None, channel].people |= people
        cursor.execute(_ANSWERED_BY, ids)
        for channel, count, people in cursor.fetchall():
            found[None, None, channel].answered[0] += count
            found[None, None, channel].people |= people
    return found


# --- reading ----------------------------------------------------------------------------------------------------------
def between(start: datetime, end: datetime) -> dict[Group, Counts]:
    """The sums of these hours, but for groups of too few people: those are under no key, and counted by nobody."""
    found: dict[Group, Counts] = defaultdict(Counts)
    rows = EngagementCount.objects.filter(hour__gte=start, hour__lt=end)
    for row in rows.iterator():
        found[row.category_id, row.template_id, row.channel].add(row)
    return {group: counts for group, counts in found.items() if counts.at_least >= FEWEST}


def old(now: datetime) -> QuerySet[EngagementHour]:
    return EngagementHour.objects.filter(hour__lt=now - KEPT)
