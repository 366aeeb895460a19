"""Pauses services that do not accept our credentials, and notifies operators.

The fault is ours (a wrong key or password, a revoked service account): no message would get through, and each further
one makes it worse. A pause is a row, so that all dispatchers keep it, and the desk shows it.
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
from wfpush.observability import services
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

FIRST = timedelta(seconds=30)
MIN_REFUSED_PEOPLE = 5
"""Number of people whose messages must be refused before a pause; or all who have an address there, if those are
fewer."""
JUST_WORKED = timedelta(minutes=2)
"""A service that took a message for anybody within this time refuses addresses, not us."""


def paused_services() -> dict[Service, datetime]:
    """Return the paused services, each with the end of its pause."""
    return {(row.channel, row.service): row.until for row in PausedService.objects.all()}


@transaction.atomic
def pause(service: Service, reason: Reason, now: datetime) -> datetime:
    """Pause the service. Return the end of the pause."""
    channel, name = service
    row = _locked(service) or PausedService(channel=channel, service=name, paused_at=now, until=now)
    return _pause(row, FIRST, reason, now)


@transaction.atomic
def prolong(service: Service, reason: Reason, now: datetime, *, doubles: bool) -> datetime | None:
    """Prolong the pause: a message tried the service in vain. Return its end, or None if the service works by now.

    Each pause is twice as long (`doubles`), except for a device that was refused before, which may be refused for ever.
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
    row.reason_fact = reason.as_json()
    row.save()
    columns = reasons.with_text(reason)
    services.report((row.channel, row.service), services.REFUSES, columns, now, since=row.paused_at, try_at=row.until)
    return row.until


@transaction.atomic
def resume(service: Service, now: datetime) -> None:
    """End the pause. Messages that wait for the service are due at once."""
    channel, name = service
    if not PausedService.objects.filter(channel=channel, service=name).delete()[0]:
        return
    log.info("service_resumed", channel=channel, service=name)
    services.report_works(service, now)
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
    """Return whether the service refuses our credentials, and not only addresses that somebody has made up.

    `refused`: the people whose messages it has refused, without one taken in between. On channels without devices a
    refusal is always about our credentials: nobody can register an address there that makes the service refuse them.
    """
    if not reaches_devices(service[0]):
        return True
    if not refused:
        return False
    there = Device.objects.filter(at(service))
    if there.filter(last_sent_at__gt=now - JUST_WORKED).exists():
        return False
    return len(refused) >= MIN_REFUSED_PEOPLE or not there.exclude(recipient__in=refused).exists()


def catch_up(service: Service, now: datetime) -> None:
    """Make messages due at once that wait to be tried again: the service was down, and works."""
    rows = Delivery.objects.filter(channel=service[0])
    hasten(rows.filter(device__in=Device.objects.filter(at(service))) if reaches_devices(service[0]) else rows, now)


MAY_BE_TRIED = (Q(held=None) | Q(attempts__gt=0)) & (
    Q(reason_fact=None) | ~Q(reason_fact__code=reasons.ASKS_TO_WAIT.name)
)
"""Deliveries that may be tried sooner than planned: none that was held back for its person, or whose service asked to
wait."""


@transaction.atomic
def hasten(rows: QuerySet[Delivery], now: datetime) -> None:
    """Make deliveries due at once that were to be tried later, except where the service or the person asked to wait."""
    waiting = rows.filter(MAY_BE_TRIED, state=DeliveryState.PENDING, due_at__gt=now, lease_token=None)
    waiting = waiting.order_by("pk").select_for_update(of=("self",))
    if ids := list(waiting.values_list("pk", flat=True)):
        outbox.bring_forward(Delivery.objects.filter(pk__in=ids), now)
        outbox.wake_on_commit("deliveries")


def at(service: Service) -> Q:
    """Return a filter for devices of a service, as far as their addresses tell."""
    channel, name = service
    return Q(registry.device_channel(channel).at(name), channel=channel)


def waiting_for(name: str) -> Reason:
    """Return the reason of messages that wait for a paused service."""
    return reasons.WAITS_FOR_SERVICE(service=name)


def left_alone(name: str) -> Reason:
    """Return the reason of messages that wait for a service that is down."""
    return reasons.LEFT_ALONE(service=name)
