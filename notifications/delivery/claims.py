"""Claims due rows: for addresses of people one message for each free place, for devices hundreds at once.

Messages to working devices are claimed first, and separately messages to suspects: devices that failed last time.
Otherwise a hundred dead devices would fill each claim, and working ones would wait behind them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from notifications.channel_facts import device_channels
from notifications.channels import registry
from notifications.channels.base import DeviceChannel, Places
from notifications.delivery import digests
from notifications.delivery.attempts import Service
from notifications.items import ledger
from notifications.models import (
    Brand,
    Case,
    Category,
    Delivery,
    DeliveryState,
    Device,
    Event,
    Farewell,
    Notification,
    NotificationState,
    Recipient,
    Task,
)
from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.observability import services, tracing
from wfpush.postgres import prefetch
from wfpush.queue import outbox

LEASE = timedelta(seconds=30)
LATE = timedelta(seconds=30)
"""Rows that have been due for this time are claimed even without a place for a suspect: they can end, or be due
later."""

WITHOUT_DEVICE = Q(device=None)
"""Rows whose device was removed."""
WORKS = WITHOUT_DEVICE | Q(device__last_fault_fact__isnull=True)
SUSPECT = Q(device__last_fault_fact__isnull=False)


@dataclass(frozen=True, slots=True)
class Busy:
    """The services and devices that a dispatcher has no room for at present; a busy device has a message in flight."""

    services: Collection[Service] = ()
    devices: Collection[UUID] = ()


def has_due(now: datetime) -> bool:
    """Return whether a message of any channel is due."""
    return outbox.due(waiting_for_persons(), now).exists() or has_due_for_devices(now)


def has_late(before: datetime) -> bool:
    """Return whether messages are late for lack of workers. Messages for services that do not work are not counted."""
    querysets = waiting_for_persons(), due()
    now = timezone.now()
    messages = any(outbox.due(services.without_held(rows, "deliveries", now), before).exists() for rows in querysets)
    return messages or any(outbox.due(rows, before).exists() for rows in (asked_tests(), asked_farewells()))


# --- for people's addresses -----------------------------------------------------------------------
_CHANNELS = """
WITH RECURSIVE waiting AS (
    SELECT min(channel) AS channel FROM notifications_delivery WHERE due_at IS NOT NULL UNION ALL
    SELECT (SELECT min(channel) FROM notifications_delivery WHERE due_at IS NOT NULL AND channel > waiting.channel)
    FROM waiting WHERE channel IS NOT NULL
) SELECT channel FROM waiting WHERE channel IS NOT NULL
"""


def waiting_channels() -> set[str]:
    """Return the channels that have messages to send, now or later. Reads one row of each (a loose index scan)."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS)
        return {name for (name,) in cursor.fetchall()}


def waiting(channels: Collection[str]) -> QuerySet[Delivery]:
    """Return messages of these channels for addresses of people."""
    return Delivery.objects.filter(state=DeliveryState.PENDING, channel__in=sorted(channels))


def waiting_for_persons() -> QuerySet[Delivery]:
    """Return messages for addresses of people, and those of channels that no longer exist."""
    return waiting(waiting_channels() - {*device_channels()})


def waiting_without_channel() -> QuerySet[Delivery]:
    """Return messages of channels that no longer exist."""
    return waiting(waiting_channels() - {*registry.channels()})


@transaction.atomic
def for_places(
    rows: QuerySet[Delivery], room: FreePlaces[str], places: Places, now: datetime, *, may_go_together: bool = False
) -> list[tuple[str, list[Delivery]]]:
    """Lease the rows for which there is a place. Return the rows of each message with the key of its place."""
    if may_go_together:
        claimed = _claim_units(rows, room, places, now)
    else:
        single = outbox.claim_places(rows, room, by=places.by, lease=places.lease, now=now)
        claimed = [(place, [row]) for place, row in single]
    mine = [row for _, unit in claimed for row in unit]
    notifications, people = _read_both_ends(mine)
    prefetch.read(Task, "task", notifications)
    prefetch.read(Case, "case", notifications)
    prefetch.read(Recipient, "on_behalf_of", notifications, already_read=people)
    return claimed


def _claim_units(
    rows: QuerySet[Delivery], room: FreePlaces[str], places: Places, now: datetime
) -> list[tuple[str, list[Delivery]]]:
    units = digests.units(outbox.waiting_for_places(rows, room, by=places.by, now=now), room)
    ids = [pk for unit in units for pk in unit.rows]
    mine = {row.pk: row for row in outbox.claim_by_keys(rows, ids, lease=places.lease, now=now)}
    claimed = [(unit.place, [mine[pk] for pk in unit.rows if pk in mine]) for unit in units]
    for _, those in claimed:
        if len(those) > 1:
            digests.align(those)
    return [(place, those) for place, those in claimed if those]


# --- for devices ----------------------------------------------------------------------------------
def due() -> QuerySet[Delivery]:
    """Return messages and replacements for devices."""
    return Delivery.objects.filter(
        Q(state=DeliveryState.PENDING) | Q(outdated=True), due_at__isnull=False, channel__in=device_channels()
    )


def asked_tests() -> QuerySet[Device]:
    return Device.objects.filter(due_at__isnull=False).select_related("recipient__user")


def asked_farewells() -> QuerySet[Farewell]:
    return Farewell.objects.filter(due_at__isnull=False).select_related("recipient__brand")


def has_due_for_devices(now: datetime) -> bool:
    return any(outbox.due(rows, now).exists() for rows in (due(), asked_tests(), asked_farewells()))


@dataclass(frozen=True, slots=True)
class WaitingKinds:
    """The messages that wait for devices, claimed or not: test messages, farewells, channels' messages."""

    tests: bool
    farewells: bool
    channels: Sequence[str]


_WAITING = """
SELECT EXISTS (SELECT FROM notifications_device WHERE due_at <= %s),
    EXISTS (SELECT FROM notifications_farewell WHERE due_at <= %s),
    ARRAY(SELECT name FROM unnest(%s::text[]) AS name
          WHERE (SELECT true FROM notifications_delivery WHERE channel = name AND due_at <= %s LIMIT 1))
"""


def waiting_for_devices(now: datetime) -> WaitingKinds:
    """Return the waiting kinds. Each claim is a transaction with several statements, and mostly only one kind waits."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [now, now, [channel.name for channel in registry.device_channels()], now])
        return WaitingKinds(*cursor.fetchone())


def there_are_suspects() -> bool:
    """Return whether there are suspects. A search for their messages takes longer, the more messages wait."""
    return Device.objects.filter(last_fault_fact__isnull=False).exists()


def tests(limit: int, now: datetime) -> list[Device]:
    return outbox.claim(asked_tests(), limit=limit, lease=LEASE, now=now)


def farewells(limit: int, now: datetime) -> list[Farewell]:
    return outbox.claim(asked_farewells(), limit=limit, lease=LEASE, now=now)


def for_all(names: Collection[str], limit: int, busy: Busy, now: datetime) -> list[Delivery]:
    """Lease up to `limit` rows of each of these channels, except rows of suspects."""
    rows: list[Delivery] = []
    for channel in map(registry.device_channel, names):
        claimable_rows = _elsewhere(due().filter(WORKS, channel=channel.name), channel, busy)
        rows += _claim(claimable_rows, limit, now)
    return rows


def for_suspects(devices: int, limit: int, busy: Busy, now: datetime) -> list[Delivery]:
    """Lease up to `limit` rows of `devices` suspects of each channel. All rows of a suspect are claimed, since one
    message tries the device for all."""
    chosen: list[UUID] = []
    for channel in registry.device_channels():
        waiting = outbox.due(due(), now).filter(SUSPECT, channel=channel.name).exclude(device__in=busy.devices)
        waiting = _elsewhere(waiting, channel, busy, Q(due_at__lte=now - LATE))
        first = waiting.values("device").annotate(first=Min("due_at")).order_by("first")
        chosen += [each["device"] for each in first[:devices]]
    return _claim(due().filter(device__in=chosen), limit, now) if chosen else []


def _elsewhere(
    rows: QuerySet[Delivery], channel: DeviceChannel, busy: Busy, besides: Q = WITHOUT_DEVICE
) -> QuerySet[Delivery]:
    """Leave out rows of busy services, except those that match `besides`."""
    names = {name for where, name in busy.services if where == channel.name}
    return channel.elsewhere(rows, names, WITHOUT_DEVICE | besides) if names else rows


@transaction.atomic
def _claim(needed: QuerySet[Delivery], limit: int, now: datetime) -> list[Delivery]:
    """Claim rows and read the data of their messages once for all, in one transaction, so that nothing is deleted in
    between."""
    rows = outbox.claim(needed, limit=limit, lease=LEASE, now=now)
    prefetch.read(Device, "device", rows)
    notifications, _ = _read_both_ends(rows)
    asking = NotificationState.OPEN
    prefetch.read(Task, "task", [each for each in notifications if each.state == asking], only=["expires_at"])
    prefetch.read(Task, "task", [each for each in notifications if each.state not in ledger.NEWS])
    return rows


def _read_both_ends(rows: Collection[Delivery]) -> tuple[Collection[Notification], Collection[Recipient]]:
    """Read the notifications and people of the rows, with the data that messages need of both; and, if spans are made,
    the traces of their events."""
    people = prefetch.read(Recipient, "recipient", rows)
    prefetch.read(User, "user", people)
    notifications = prefetch.read(Notification, "notification", rows)
    if tracing.is_on():
        prefetch.read(Event, "event", rows, only=["extensions"])
    prefetch.read(Brand, "brand", [*people, *notifications])
    prefetch.read(Category, "category", notifications)
    for row in rows:
        row.notification.recipient = row.recipient
    return notifications, people
