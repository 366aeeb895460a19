"""Counts by the hour how messages are told, seen, answered or ignored, by category, template and channel.

In: items with their answers and deliveries, by ranges of their ids, which begin with the time. Out: rows of
`EngagementCount`.

All of it is known without any pixel: an item is seen when its person opens or answers it (`read_at`), wherever that is;
through which channel, since our own links and buttons say which message they were in (`opened_by`, `Response.via`).
An hour is counted again at growing intervals, since its messages are seen and answered later.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.db import connection, transaction
from django.db.models import QuerySet

from notifications.channel_facts import INBOX
from notifications.hourly import BANDS, HOUR, KEPT, hour_of, hours_since_the_first_event
from notifications.models import EngagementCount, EngagementHour, Via
from wfpush.identifiers import lowest_id

COUNTED_FOR = timedelta(days=31)
"""Hours that nobody has counted are counted so long afterwards."""
CHANGES_FOR = timedelta(days=14)
"""So long an hour is counted again."""
SOONEST = timedelta(minutes=10)
SLOWER = 4
"""An hour is counted again after this part of its age."""
SECONDS = 2.0
"""For how long one run goes on."""
FEWEST = 5
"""Of fewer people nothing is shown."""

_LIMITS = ",".join(str(band.total_seconds()) for band in BANDS)
_BAND = "width_bucket(extract(epoch FROM {at} - created_at)::float8, ARRAY[" + _LIMITS + "]::float8[])"
_WAY = f"CASE WHEN {{way}} IN ('{Via.INBOX}', '{Via.PORTAL}') THEN '{INBOX}' ELSE {{way}} END"
"""The inbox and the portal are the channel that the ledger names so."""
_ITEMS = f"""
WITH item AS (
    SELECT n.id, n.category_id, v.template_id, n.recipient_id, n.created_at, n.state,
        LEAST(n.read_at, mine.at) AS seen_at, mine.at AS answered_at, {_WAY.format(way="mine.via")} AS answered_by,
        CASE WHEN LEAST(n.read_at, mine.at) IS NOT NULL THEN {_WAY.format(way="COALESCE(n.opened_by, mine.via)")} END
            AS opened_by
    FROM notifications_notification n
    LEFT JOIN notifications_templateversion v ON v.id = n.template_version_id
    LEFT JOIN LATERAL (
        SELECT at, via FROM notifications_response r
        WHERE r.notification_id = n.id AND r.recipient_id = n.recipient_id AND r.counts ORDER BY at LIMIT 1
    ) mine ON true
    WHERE n.id >= %s AND n.id < %s
)
SELECT category_id, template_id, way.channel, way.told,
    CASE WHEN way.channel IN ('', opened_by) THEN {_BAND.format(at="seen_at")} END,
    CASE WHEN way.channel IN ('', answered_by) THEN {_BAND.format(at="answered_at")} END,
    way.told AND seen_at IS NULL AND state IN ('answered', 'withdrawn', 'expired'), count(*),
    bit_or(1::bigint << (recipient_id %% 60)::int)
FROM item CROSS JOIN LATERAL (
    SELECT '' AS channel, true AS told
    UNION ALL
    SELECT by_channel.channel, bool_or(by_channel.told) FROM (
        SELECT channel, true AS told FROM notifications_delivery
        WHERE notification_id = item.id AND state = 'delivered'
        UNION ALL SELECT item.opened_by, false WHERE item.opened_by IS NOT NULL
        UNION ALL SELECT item.answered_by, false WHERE item.answered_by IS NOT NULL
    ) by_channel GROUP BY by_channel.channel
) way
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""

Group = tuple[int, int | None, str]
"""Category, template and channel; no channel: all of them."""


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

    def add(self, other: "EngagementCount | Counts") -> None:
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
    for hour in (current, *hours_since_the_first_event(current, COUNTED_FOR - HOUR)):
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
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [lowest_id(hour), lowest_id(hour + HOUR)])
        for category, template, channel, told, seen, answered, ignored, count, people in cursor.fetchall():
            group = found[category, template, channel]
            group.told += count if told else 0
            group.people |= people
            group.ignored += count if ignored else 0
            if seen is not None:
                group.seen[seen] += count
            if answered is not None:
                group.answered[answered] += count
    return found


# --- reading ----------------------------------------------------------------------------------------------------------
Of = Literal["category", "template"]


@dataclass
class Messages:
    """What is known of a group of messages, and of it by channel."""

    all: Counts = field(default_factory=Counts)
    by_channel: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))

    @property
    def few(self) -> bool:
        return self.all.at_least < FEWEST

    def add(self, channel: str, counts: EngagementCount | Counts) -> None:
        (self.by_channel[channel] if channel else self.all).add(counts)

    def add_all(self, other: "Messages") -> None:
        for channel, counts in [("", other.all), *other.by_channel.items()]:
            self.add(channel, counts)

    def shown(self) -> "Messages":
        """Without the channels that few people had."""
        enough = {name: counts for name, counts in self.by_channel.items() if counts.at_least >= FEWEST}
        return Messages(self.all, enough)


@dataclass
class Shown:
    """`of`: by category or template, whose key is None for items without one. `others`: the groups of too few people
    together, if they are enough. `total` is the sum of these, so that nothing left out can be found by subtraction."""

    of: dict[int | None, Messages]
    others: Messages | None
    total: Messages


def between(start: datetime, end: datetime, of: Of) -> Shown:
    groups: dict[int | None, Messages] = defaultdict(Messages)
    for row in EngagementCount.objects.filter(hour__gte=start, hour__lt=end, category__isnull=False).iterator():
        groups[row.category_id if of == "category" else row.template_id].add(row.channel, row)
    others, total = Messages(), Messages()
    for group in groups.values():
        (others if group.few else total).add_all(group)
    if not others.few:
        total.add_all(others)
    known = {key: group.shown() for key, group in groups.items() if not group.few}
    return Shown(known, None if others.few else others.shown(), total.shown())


def old(now: datetime) -> QuerySet[EngagementHour]:
    return EngagementHour.objects.filter(hour__lt=now - KEPT)
