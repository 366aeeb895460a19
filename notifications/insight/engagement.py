"""Hourly counts of notified, seen, answered and ignored messages, by category, template and channel.

In: items with their answers and deliveries, by ranges of their ids, which begin with the time. Out: rows of
`EngagementCount`.

No pixel is needed: an item is seen when its person opens or answers it (`read_at`), anywhere; the channel is known
since the product's own links and buttons name the message that they were in (`opened_by`, `Response.via`). An hour is
counted again at growing intervals, since its messages are seen and answered later.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import F

from notifications.channel_facts import INBOX
from notifications.insight.hourly import BANDS, HOUR, hour_of, hours_since_the_first_event, within_seconds
from notifications.insight.models import EngagementCount, EngagementHour
from notifications.models import (
    Delivery,
    DeliveryState,
    Notification,
    NotificationState,
    Response,
    Via,
)
from wfpush.identifiers import lowest_id

COUNTED_FOR = timedelta(days=31)
"""Maximum age of an hour without counts that is still counted."""
CHANGES_FOR = timedelta(days=14)
"""Maximum age of an hour that is counted again."""
SOONEST = timedelta(minutes=10)
SLOWER = 4
"""An hour is counted again after this part of its age."""
MIN_PEOPLE = 5
"""Minimum number of people of a group that is shown."""
ENDED = (NotificationState.ANSWERED, NotificationState.WITHDRAWN, NotificationState.EXPIRED)


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
        """The minimum number of people."""
        return self.people.bit_count()

    def add(self, other: "EngagementCount | Counts") -> None:
        self.told += other.told
        self.ignored += other.ignored
        self.seen = [mine + more for mine, more in zip(self.seen, other.seen, strict=True)]
        self.answered = [mine + more for mine, more in zip(self.answered, other.answered, strict=True)]
        self.people |= other.people


# --- counting ---------------------------------------------------------------------------------------------------------
def run(now: datetime) -> int:
    """Count the hours that are due. Return their number."""
    return within_seconds(_to_be_counted(now), count_hour, now)


def _to_be_counted(now: datetime) -> Iterator[datetime]:
    """Yield the hours to count, the newest first."""
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
            told=counts.told,
            ignored=counts.ignored,
            seen=counts.seen,
            answered=counts.answered,
            people=counts.people,
        )
        for (category, template, channel), counts in _numbers_of(hour).items()
    )
    row.counted_at = now
    row.save(update_fields=["counted_at"])


def _numbers_of(hour: datetime) -> Mapping[Group, Counts]:
    by_group: dict[Group, Counts] = defaultdict(Counts)
    delivered, answers = _delivered_by(hour), _answers_of(hour)
    rows = Notification.objects.filter(**_made_in(hour, "pk")).order_by()
    columns = ("pk", "category", "template_version__template", "recipient", "created_at", "state", "read_at")
    for pk, category, template, person, made, state, read_at, opened in rows.values_list(*columns, "opened_by"):
        answered_at, way = answers.get(pk, (None, ""))
        seen_at = min((at for at in (read_at, answered_at) if at is not None), default=None)
        opened_by, answered_by = _channel(opened or way) if seen_at is not None else "", _channel(way)
        channels = {"", *delivered[pk]}
        for channel in channels | {opened_by, answered_by}:
            group = by_group[category, template, channel]
            group.people |= 1 << person % 60
            if channel in channels:
                group.told += 1
                group.ignored += seen_at is None and state in ENDED
            if seen_at is not None and channel in ("", opened_by):
                group.seen[_band(seen_at - made)] += 1
            if answered_at is not None and channel in ("", answered_by):
                group.answered[_band(answered_at - made)] += 1
    return by_group


def _made_in(hour: datetime, name: str) -> dict[str, UUID]:
    """Return a condition: the key of this name is that of an item that was made in the hour."""
    return {f"{name}__gte": lowest_id(hour), f"{name}__lt": lowest_id(hour + HOUR)}


def _delivered_by(hour: datetime) -> Mapping[UUID, set[str]]:
    """Return the channels by which each item reached its person."""
    by_item: dict[UUID, set[str]] = defaultdict(set)
    rows = Delivery.objects.filter(**_made_in(hour, "notification_id"), state=DeliveryState.DELIVERED).order_by()
    for pk, channel in rows.values_list("notification", "channel"):
        by_item[pk].add(channel)
    return by_item


def _answers_of(hour: datetime) -> Mapping[UUID, tuple[datetime, str]]:
    """Return the time and way of the first answer by the item's own person, by item."""
    rows = Response.objects.filter(**_made_in(hour, "notification_id"), recipient=F("notification__recipient"))
    last_first = rows.filter(counts=True).order_by("-at").values_list("notification", "at", "via")
    return {pk: (at, via) for pk, at, via in last_first}


def _channel(way: str) -> str:
    """Return the channel of a way of answering: inbox and portal have the ledger's name of the inbox."""
    return INBOX if way in (Via.INBOX, Via.PORTAL) else way


def _band(waited: timedelta) -> int:
    return bisect_right(BANDS, waited)


# --- reading ----------------------------------------------------------------------------------------------------------
Of = Literal["category", "template"]


@dataclass
class Messages:
    """Counts of a group of messages, and by channel."""

    all: Counts = field(default_factory=Counts)
    by_channel: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))

    @property
    def few(self) -> bool:
        return self.all.at_least < MIN_PEOPLE

    def add(self, channel: str, counts: EngagementCount | Counts) -> None:
        (self.by_channel[channel] if channel else self.all).add(counts)

    def add_all(self, other: "Messages") -> None:
        for channel, counts in [("", other.all), *other.by_channel.items()]:
            self.add(channel, counts)

    def shown(self) -> "Messages":
        """Return the messages without channels of too few people."""
        enough = {name: counts for name, counts in self.by_channel.items() if counts.at_least >= MIN_PEOPLE}
        return Messages(self.all, enough)


@dataclass
class EngagementReport:
    """`of`: groups by category or template, whose key is None for items without one. `others`: the groups of too few
    people together, if they are enough. `total`: the sum of these, so that subtraction reveals nothing left out."""

    of: dict[int | None, Messages]
    others: Messages | None
    total: Messages


def between(start: datetime, end: datetime, of: Of) -> EngagementReport:
    groups: dict[int | None, Messages] = defaultdict(Messages)
    for row in EngagementCount.objects.filter(hour__gte=start, hour__lt=end, category__isnull=False).iterator():
        groups[row.category_id if of == "category" else row.template_id].add(row.channel, row)
    others, total = Messages(), Messages()
    for group in groups.values():
        (others if group.few else total).add_all(group)
    if not others.few:
        total.add_all(others)
    shown = {key: group.shown() for key, group in groups.items() if not group.few}
    return EngagementReport(shown, None if others.few else others.shown(), total.shown())
