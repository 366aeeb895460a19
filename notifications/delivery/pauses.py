"""Services that do not accept our credentials are left alone for a while, and operators are told.

That is ours to mend (a wrong key or password, a revoked service account): no message would get through, and every
further one makes it worse. A pause is a row, so that all dispatchers keep it, and the desk shows it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from notifications import reasons
from notifications.channel_facts import reaches_devices
from notifications.channels import registry
from notifications.delivery.attempts import Service
from notifications.models import Delivery, DeliveryState, Device, PausedService
from notifications.reasons import Reason
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

FIRST = timedelta(seconds=30)
MANY = 5
"""So many different people's messages must be refused, or those of all who have an address there."""
JUST_WORKED = timedelta(minutes=2)
"""A service that took a message for anybody in that time refuses addresses, and not us."""


def known() -> dict[Service, datetime]:
    """Paused services, and until when."""
    return {(row.channel, row.service): row.until for row in PausedService.objects.all()}


@transaction.atomic
def pause(service: Service, reason: Reason, now: datetime) -> datetime:
    """Leave the service alone for a moment; returns until when."""
    channel, name = service
    row = _locked(service) or PausedService(channel=channel, service=name, paused_at=now, until=now)
    return _pause(row, FIRST, reason, now)


@transaction.atomic
def prolong(service: Service, reason: Reason, now: datetime, *, doubles: bool) -> datetime | None:
    """A message tried in vain whether a paused service accepts us again. None: others have found that it does.

    Each pause is twice as long (`doubles`), but not for a device that was refused before: it may be refused for ever.
    """
    row = _locked(service)
    if row is None:
        return None
    return _pause(row, max(FIRST, now - row.paused_at) if doubles else FIRST, reason, now)


def _locked(service: Service) -> PausedService | None:
    channel, name = service
    return PausedService.objects.select_for_update().filter(channel=channel, service=name).first()


def _pause(row: PausedService, span: timedelta, reason: Reason, now: datetime) -> datetime:
    if row.until <= now:
        channel = registry.channels().get(row.channel)
        row.until = now + (min(span, channel.longest_pause) if channel is not None else FIRST)
        until = row.until.isoformat()
        log.error("service_paused", channel=row.channel, service=row.service, until=until, reason=str(reason))
    row.reason, row.reason_fact = reasons.kept("reason", reason).values()
    row.save()
    return row.until


@transaction.atomic
def resume(service: Service, now: datetime) -> None:
    """Send to it again, and what waits for it at once."""
    channel, name = service
    if not PausedService.objects.filter(channel=channel, service=name).delete()[0]:
        return
    log.info("service_resumed", channel=channel, service=name)
    if not reaches_devices(channel):
        hasten(Delivery.objects.filter(channel=channel), now)
        return
    waiting = Delivery.objects.filter(
        state=DeliveryState.PENDING,
        channel=channel,
        due_at__gt=now,
        lease_token=None,
        reason_fact=waiting_for(name).as_json(),
    )
    outbox.bring_forward(waiting, now)
    outbox.wake_on_commit("deliveries")


def is_ours(service: Service, refused: Collection[int], now: datetime) -> bool:
    """Whether the service does not accept us, and not only addresses that somebody made up.

    `refused`: the people whose messages it has refused, with none that it took between. Of an address of a person no
    service says that it does not accept our credentials.
    """
    if not reaches_devices(service[0]):
        return True
    if not refused:
        return False
    there = Device.objects.filter(at(service))
    if there.filter(last_sent_at__gt=now - JUST_WORKED).exists():
        return False
    return len(refused) >= MANY or not there.exclude(recipient__in=refused).exists()


def catch_up(service: Service, now: datetime) -> None:
    """It was down, and works: what waits to be tried again is due at once."""
    rows = Delivery.objects.filter(channel=service[0])
    hasten(rows.filter(device__in=Device.objects.filter(at(service))) if reaches_devices(service[0]) else rows, now)


@transaction.atomic
def hasten(rows: QuerySet[Delivery], now: datetime) -> None:
    """What was to be tried again later is due at once, but for what a service asked to wait with."""
    waiting = rows.filter(state=DeliveryState.PENDING, due_at__gt=now, lease_token=None)
    waiting = (
        waiting.exclude(reason_fact__code=reasons.ASKS_TO_WAIT.name).order_by("pk").select_for_update(of=("self",))
    )
    if ids := list(waiting.values_list("pk", flat=True)):
        outbox.bring_forward(Delivery.objects.filter(pk__in=ids), now)
        outbox.wake_on_commit("deliveries")


def at(service: Service) -> Q:
    """Devices that a service is responsible for, as far as their addresses say so."""
    channel, name = service
    return Q(registry.device_channel(channel).at(name), channel=channel)


def waiting_for(name: str) -> Reason:
    """The reason of what waits for a paused service."""
    return reasons.WAITS_FOR_SERVICE(service=name)


def left_alone(name: str) -> Reason:
    """The reason of what waits for a service that does not work."""
    return reasons.LEFT_ALONE(service=name)
