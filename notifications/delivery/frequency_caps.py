"""Limits on how often people get messages, by their choice: pauses within a category, and a number an hour.

Messages that are held back come together later. Urgent messages and those of a critical step pass. Nothing is read for
people who have chosen neither.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db.models import Case, Exists, Max, OuterRef, Q, QuerySet, TextField, When
from django.db.models.functions import Cast

from notifications import reasons
from notifications.channels import registry
from notifications.channels.base import PersonChannel
from notifications.items import ledger
from notifications.items.ledger import Outcome
from notifications.models import Delivery, DeliveryAttempt, DeliveryReceipt, DeliveryState, Frequency, Held, Recipient
from notifications.preferences.delivery_decision import local, may_come_together, most_an_hour
from notifications.preferences.lookup import PreferenceSet, Reading
from notifications.reasons import MAY_HAVE_ARRIVED, TOO_MANY_AN_HOUR, Code
from wfpush.identifiers import lowest_id

HOUR = timedelta(hours=1)
LOOKED_BACK = timedelta(days=7)
"""Deliveries older than this are no longer sent."""

TAKEN = ~Q(succeeded=False) | Exists(DeliveryReceipt.objects.filter(delivery=OuterRef("delivery")))
"""Attempts whose message the service took, whatever its receipts say."""


def has_own_limit(channel: str) -> bool:
    """Return whether messages of the channel are limited even if they are urgent, such as those that cost money."""
    found = registry.channels().get(channel)
    return isinstance(found, PersonChannel) and found.most_an_hour() > 0


def _own_limit(channel: PersonChannel, limits: Mapping[str, int]) -> int:
    usual = channel.most_an_hour()
    return limits.get(channel.name, usual) if usual else 0


def held_back(
    delivery: Delivery, has_reserve: bool, now: datetime, limits: Mapping[str, int] = MappingProxyType({})
) -> Outcome | None:
    """Return the outcome of a claimed message that is not to be sent now, or None: send it. `limits`: messages an hour
    by channel, as administrators limit them.

    Called in the transaction that then records the attempt: it locks the person, so that two processes count one after
    the other.
    """
    channel = registry.channels().get(delivery.channel)
    if not isinstance(channel, PersonChannel):
        return None
    if channel.never_twice and _may_have_arrived(delivery):
        return ledger.outcome(delivery, DeliveryState.DEAD, MAY_HAVE_ARRIVED(), attempted=False)
    most = _own_limit(channel, limits)
    again = _next_in_turn(delivery, most, now) if most else None
    if again is None:
        return None
    reason = TOO_MANY_AN_HOUR(most=most)
    if has_reserve:
        return ledger.outcome(delivery, DeliveryState.SUPPRESSED, reason, attempted=False)
    return ledger.outcome(delivery, DeliveryState.PENDING, reason, again_at=again, attempted=False)


def _may_have_arrived(delivery: Delivery) -> bool:
    """Return whether an attempt was begun since the message was last made due, and its process was killed before the
    result was written."""
    begun = DeliveryAttempt.objects.filter(delivery=delivery, number__lt=delivery.attempts, ended_at=None)
    return delivery.attempts > 1 and begun.filter(started_at__gte=delivery.created_at).exists()


def _next_in_turn(delivery: Delivery, most: int, now: datetime) -> datetime | None:
    """Return when the person may get another one; None: now. Messages that no service took are not counted."""
    Recipient.objects.select_for_update(no_key=True).filter(pk=delivery.recipient_id).values("pk").first()
    begun = (
        DeliveryAttempt.objects.filter(
            TAKEN | Q(succeeded=None),
            delivery__recipient=delivery.recipient_id,
            delivery__channel=delivery.channel,
            delivery__pk__gte=lowest_id(now - LOOKED_BACK),
            started_at__gt=now - HOUR,
        )
        .order_by("-started_at")
        .values_list("started_at", flat=True)[:most]
    )
    times = list(begun)
    return times[-1] + HOUR if len(times) == most else None


def _waits(row: Delivery, until: datetime, held: Held, code: Code, chosen: PreferenceSet) -> Outcome:
    reason = code(until=local(until, chosen))
    return ledger.outcome(row, DeliveryState.PENDING, reason, again_at=until, attempted=False, held=held)


def _begun(rows: Iterable[Delivery], since: datetime, now: datetime) -> QuerySet[DeliveryAttempt]:
    """Return attempts for these rows' people and channels, except those that failed."""
    rows = list(rows)
    return DeliveryAttempt.objects.filter(
        TAKEN | Q(succeeded=None),
        delivery__recipient__in={row.recipient_id for row in rows},
        delivery__channel__in={row.channel for row in rows},
        delivery__pk__gte=lowest_id(now - LOOKED_BACK),
        started_at__gt=since,
    )


# --- categories that repeat -----------------------------------------------------------------------
Series = tuple[int, str, str, int]


def repeated(rows: Sequence[Delivery], reading: Reading, now: datetime) -> list[Outcome]:
    """Return the outcomes of claimed rows that wait because they repeat. An address gets the first of a category at
    once, and the others when the pause after it has ended."""
    repeating_rows = [row for row in rows if _may_repeat(row, reading.of(row.recipient))]
    if not repeating_rows:
        return []
    longest = max(reading.of(row.recipient).repeat_pause for row in repeating_rows)
    last = _last(repeating_rows, longest, now)
    outcomes = []
    for row in sorted(repeating_rows, key=lambda row: row.pk):
        chosen = reading.of(row.recipient)
        series = (row.recipient_id, row.channel, row.address, row.notification.category_id)
        until = last[series] + chosen.repeat_pause if series in last else now
        if until > now:
            outcomes.append(_waits(row, until, Held.REPEATS, reasons.HELD_REPEATS, chosen))
        else:
            last[series] = now
    return outcomes


def _may_repeat(row: Delivery, chosen: PreferenceSet) -> bool:
    """Return whether the row may have to wait. A row that was held back, or tried before, goes."""
    is_new = row.held is None and row.attempts == 1 and not row.critical and not row.is_replacement
    if not is_new or not may_come_together(row.notification):
        return False
    return chosen.frequency(row.notification.category) == Frequency.REPEATS


def _last(rows: Sequence[Delivery], longest: timedelta, now: datetime) -> dict[Series, datetime]:
    begun = _begun(rows, now - longest, now).filter(
        delivery__notification__category__in={row.notification.category_id for row in rows}
    )
    names = ("recipient", "channel", "address", "notification__category")
    of_series = begun.order_by().values_list(*(f"delivery__{name}" for name in names))
    return {tuple(series): at for *series, at in of_series.annotate(Max("started_at"))}


# --- messages an hour -----------------------------------------------------------------------------
Way = tuple[int, str, str]
"""A person, channel and address."""


@dataclass
class Hour:
    """The times of messages to these people within the last hour. Make it in the transaction that records the attempts:
    it locks the people, so that two processes count one after the other."""

    rows: Sequence[Delivery]
    reading: Reading
    now: datetime
    _times: dict[Way, list[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counted = [row for row in self.rows if self._most(row) is not None]
        if not counted:
            return
        people = sorted({row.recipient_id for row in counted})
        list(Recipient.objects.select_for_update(no_key=True).filter(pk__in=people).order_by("pk").values("pk"))
        message = Case(When(_ALONE, then=Cast("pk", TextField())), default=Cast("started_at", TextField()))
        begun = _begun(counted, self.now - HOUR, self.now).annotate(message=message).order_by()
        names = ("delivery__recipient", "delivery__channel", "delivery__address", "message")
        for *way, _message, at in begun.values_list(*names).annotate(Max("started_at")):
            self._times.setdefault(tuple(way), []).append(at)

    def waiting(self, rows: Sequence[Delivery]) -> list[Outcome]:
        """Return the outcomes of one message's rows that must wait; empty: the message goes now, and counts."""
        first = rows[0]
        times = self._times.setdefault((first.recipient_id, first.channel, first.address), [])
        most = self._most(first)
        if most is not None and len(times) >= most:
            until = sorted(times)[-most] + HOUR
            chosen = self.reading.of(first.recipient)
            return [_waits(row, until, Held.THROTTLE, reasons.HELD_THROTTLE, chosen) for row in rows]
        times.append(self.now)
        return []

    def _most(self, row: Delivery) -> int | None:
        """Return the limit an hour, or None: any number. A channel with a limit of its own keeps it by `held_back`."""
        if row.is_replacement:
            return None
        channel = "" if has_own_limit(row.channel) else row.channel
        chosen = self.reading.of(row.recipient)
        return most_an_hour(chosen, row.notification, channel, critical=bool(row.critical))


_ALONE = Q(ended_at__isnull=False) & ~Q(detail_fact__code=reasons.SENT_TOGETHER.name)
"""Attempts that were sent alone. All attempts of one digest have the same `started_at`."""
