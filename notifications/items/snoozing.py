"""Snoozing: a person puts an item off until a time, before it is due unless it is overdue already. The item leaves the
list of waiting items, comes back to its top, and says so. Nobody else's copy changes, and no clock stops. Unsent
messages about the item wait until it is back (notifications/preferences/delivery_decision.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.errors import Invalid
from notifications.items import inbox_items
from notifications.models import Delivery, DeliveryState, Held, Notification, NotificationState
from notifications.wording.formats import local_hour
from wfpush.queue import outbox

MIN_SNOOZE, MAX_SNOOZE = timedelta(minutes=1), timedelta(days=60)
BATCH = 100
"""Maximum number of items that come back in one transaction."""

SOURCE_NAME = "snoozes"


def snoozed(now: datetime) -> Q:
    """Return the condition for snoozed items. Whatever time was chosen, an item is back when it becomes due."""
    return Q(snoozed_until__gt=now) & (Q(due_at=None) | Q(due_at__gt=now) | Q(due_at__lte=F("read_at")))


def is_snoozed(notification: Notification, now: datetime) -> bool:
    """Return whether the item is snoozed."""
    until, due_at = notification.snoozed_until, notification.due_at
    return until is not None and until > now and (due_at is None or due_at > now or _was_overdue(notification))


def back_at(notification: Notification) -> datetime:
    """Return when a snoozed item is back."""
    times = (notification.snoozed_until, None if _was_overdue(notification) else notification.due_at)
    return min(at for at in times if at is not None)


def _was_overdue(notification: Notification) -> bool:
    """Return whether a snoozed item was overdue when it was snoozed, which also marked it as read."""
    due_at, read_at = notification.due_at, notification.read_at
    return due_at is not None and read_at is not None and due_at <= read_at


def snooze(notification: Notification, until: datetime, now: datetime) -> None:
    """Snooze an item. Raises Invalid."""
    fault = _fault(notification, until, now)
    if fault:
        raise Invalid(fault, [{"pointer": "/until", "detail": fault}])
    _set(notification, now, snoozed_until=until, back_at=None, read_at=now)


def bring_back(notification: Notification, now: datetime) -> None:
    """Bring a snoozed item back at once, at its person's request; do nothing for another item."""
    if notification.snoozed_until is not None:
        _set(notification, now, snoozed_until=None)
        waiting = Delivery.objects.filter(
            notification=notification, held=Held.SNOOZED, state=DeliveryState.PENDING, lease_token=None
        )
        if outbox.make_due(waiting.filter(due_at__gt=now), now):
            outbox.wake_on_commit("deliveries")


def _set(notification: Notification, now: datetime, **fields: Any) -> None:
    with transaction.atomic():
        own = Notification.objects.filter(pk=notification.pk, state=NotificationState.OPEN)
        inbox_items.change(own, now, **fields)


def _fault(notification: Notification, until: datetime, now: datetime) -> str:
    if notification.state != NotificationState.OPEN:
        return _("Only items that wait for an answer can be snoozed.")
    if notification.due_at is not None and now < notification.due_at <= until:
        return _("Choose a time before it is due.")
    if until <= now:
        return _("Choose a time in the future.")
    if until < now + MIN_SNOOZE:
        return _("That is less than a minute from now. Choose a later time.")
    if until > now + MAX_SNOOZE:
        return _("Choose a time within %(days)s days.") % {"days": MAX_SNOOZE.days}
    return ""


def choices(notification: Notification, now: datetime) -> list[tuple[str, datetime]]:
    """Return the offered labels and times before the due time, in the active time zone; perhaps none."""
    return [(label, at) for label, at in _usual(now) if not _fault(notification, at, now)]


def _usual(now: datetime) -> Iterator[tuple[str, datetime]]:
    local_time = timezone.localtime(now)
    yield _("for an hour"), now + timedelta(hours=1)
    if local_time.hour < 17:
        yield _("until this evening, 18:00"), local_hour(now, 0, 18)
    yield _("until tomorrow, 09:00"), local_hour(now, 1, 9)
    to_monday = 7 - local_time.weekday()
    if to_monday > 1:
        yield _("until Monday, 09:00"), local_hour(now, to_monday, 9)


# --- coming back --------------------------------------------------------------------------------------------------
def _over(now: datetime) -> QuerySet[Notification]:
    return Notification.objects.filter(snoozed_until__lte=now, state=NotificationState.OPEN)


def has_due(now: datetime) -> bool:
    return _over(now).exists()


def bring_back_due() -> None:
    """Bring back all items whose time has come, unread, in batches."""
    now = timezone.now()
    while _bring_back_some(now):
        pass


@transaction.atomic
def _bring_back_some(now: datetime) -> int:
    """Bring back one batch. People are locked first, as everywhere; items answered meanwhile stay."""
    people = sorted(set(_over(now).order_by("snoozed_until").values_list("recipient_id", flat=True)[:BATCH]))
    inbox_items.lock(set(people))
    rows = list(_over(now).filter(recipient__in=people).order_by("recipient_id", "pk")[:BATCH])
    inbox_items.change_all(rows, now, snoozed_until=None, back_at=now, read_at=None)
    return len(rows)


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, bring_back_due),)
