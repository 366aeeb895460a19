"""What came of messages for devices, written down for many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q

from notifications import devices, farewells, ledger, pauses
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.ledger import Outcome
from notifications.models import Delivery, DeliveryState, Device, DeviceChannel, Farewell
from notifications.parcels import Parcel
from notifications.pauses import Service
from wfpush import outbox

RETRY = outbox.Backoff(first=timedelta(seconds=2), give_up_after=timedelta(hours=1), tries=8)
LATEST = timedelta(minutes=90)
"""What cannot be tried again within this time of its making leaves it to the next channel."""
PATIENT = outbox.Backoff(first=timedelta(seconds=2), most=timedelta(minutes=15), give_up_after=timedelta(days=1))
"""For messages that no other channel carries."""
REPLACE_AGAIN = timedelta(seconds=20)
REPLACE_FOR = timedelta(hours=4)
"""How long a replacement that cannot be sent is tried again."""
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Landed:
    """A parcel that was sent, failed, or with `again_at` was not tried.

    `works_again`: its service was paused. `refused`: how many people's messages the service has refused since it last
    took one; 0 if that was a moment ago.
    """

    parcel: Parcel
    service: Service
    fault: TransportError | None = None
    again_at: datetime | None = None
    paused: bool = False
    works_again: bool = False
    refused: int = 0


def write(landed: Sequence[Landed], now: datetime) -> dict[Service, datetime]:
    """Write down all of it; returns services that are paused from now on."""
    paused = _pause(landed, now)
    tried: list[Outcome] = []
    put_back: list[Outcome] = []
    replaced: list[Outcome] = []
    for each in landed:
        row = each.parcel.row
        if isinstance(row, Device):
            _end_test(row, each, now)
        elif isinstance(row, Farewell):
            _end_farewell(row, each, paused, now)
        elif row.is_replacement:
            (put_back if each.again_at else replaced).append(_replacement(row, each, now))
        else:
            outcome = _outcome(row, each, paused, now)
            (tried if outcome.attempted else put_back).append(outcome)
    ledger.record(tried, now)
    ledger.record_replacements(replaced, now)
    ledger.put_back(put_back)
    _note_devices(landed, now)
    return paused


def _pause(landed: Sequence[Landed], now: datetime) -> dict[Service, datetime]:
    refused = [(each, each.fault) for each in landed if isinstance(each.fault, ServiceRefuses)]
    refusals = {each.service: fault for each, fault in refused if _is_ours(each)}
    for service in {each.service for each in landed if each.works_again}:
        pauses.resume(service, now)
    return {service: pauses.pause(service, fault.detail, now) for service, fault in refusals.items()}


def _is_ours(each: Landed) -> bool:
    """Whether it is the service that does not accept us, and not one address that somebody made up: more than one
    person's messages are refused, or nobody else has an address there."""
    row = each.parcel.row
    if each.refused != 1 or isinstance(row, Device):
        return each.refused > 1
    channel, service = each.service
    there = Q(address__contains=f"//{service}/") | Q(channel=DeviceChannel.FCM, sender=service.partition("/")[0])
    return not Device.objects.filter(there, channel=channel).exclude(recipient=row.recipient_id).exists()


# --- messages -------------------------------------------------------------------------------------
def _outcome(row: Delivery, each: Landed, paused: dict[Service, datetime], now: datetime) -> Outcome:
    end = partial(ledger.outcome, row)
    fault = each.fault
    if each.again_at is not None:
        return _waits(row, each, each.again_at, now)
    if fault is None:
        return end(DeliveryState.DELIVERED)
    if isinstance(fault, RecipientGone):  # as if the device had been removed a moment earlier: nobody need look
        return end(DeliveryState.SUPPRESSED, fault.detail)
    if isinstance(fault, ServiceRefuses) and each.service in paused:
        if each.parcel.has_reserve:
            return end(DeliveryState.DEAD, fault.detail)
        return end(DeliveryState.PENDING, pauses.waiting_for(each.service[1]), due_at=paused[each.service])
    again = None if fault.permanent else _again(row, each.parcel.has_reserve, fault, now)
    if again is None:
        return end(DeliveryState.DEAD, fault.detail)
    return end(DeliveryState.PENDING, fault.detail, due_at=again)


def before_reserve(row: Delivery, fault: TransportError, now: datetime) -> datetime | None:
    """When to try again what another channel would carry; None: it takes over."""
    again = RETRY.next_at(row.attempts, row.created_at, now, fault.retry_after)
    return again if again is not None and again - row.created_at <= LATEST else None


def _again(row: Delivery, has_reserve: bool, fault: TransportError, now: datetime) -> datetime | None:
    """When to try again; None where another channel is to take over, or it is no longer worth it."""
    if has_reserve:
        return before_reserve(row, fault, now)
    again = PATIENT.next_at(row.attempts, row.created_at, now, fault.retry_after)
    return min(again, row.expires_at) if again is not None and row.expires_at is not None else again


def _waits(row: Delivery, each: Landed, again_at: datetime, now: datetime) -> Outcome:
    """Not tried: its service is paused, does not answer others, or is too busy. Who has another channel hears there."""
    reason = pauses.waiting_for(each.service[1]) if each.paused else ""
    if each.parcel.has_reserve and (each.paused or now - row.created_at >= RETRY.give_up_after):
        return ledger.outcome(row, DeliveryState.DEAD, reason or "The push service does not answer")
    return ledger.outcome(row, DeliveryState.PENDING, reason, due_at=again_at, attempted=False)


def _replacement(row: Delivery, each: Landed, now: datetime) -> Outcome:
    fault = each.fault
    if each.again_at is not None:
        return ledger.outcome(row, DeliveryState.DELIVERED, due_at=each.again_at, attempted=False)
    if fault is None:
        return ledger.outcome(row, DeliveryState.DELIVERED, "What it shows was replaced")
    old = now - row.notification.updated_at > REPLACE_FOR
    again = None if fault.permanent or old else now + max(REPLACE_AGAIN, timedelta(seconds=fault.retry_after or 0))
    return Outcome(row.pk, row.lease_token, row.attempts, DeliveryState.DEAD, fault.detail[:500], again)


# --- devices --------------------------------------------------------------------------------------
def _end_test(device: Device, each: Landed, now: datetime) -> None:
    fault = each.fault.detail[:300] if each.fault else ""
    if each.again_at is not None:
        fault = pauses.waiting_for(each.service[1]) if each.paused else "The push service does not answer"
    said = {"last_fault": fault} if fault else {"last_fault": "", "last_sent_at": now}
    outbox.end(device, attempts=0, **said)


def _end_farewell(row: Farewell, each: Landed, paused: dict[Service, datetime], now: datetime) -> None:
    again = each.again_at if now - row.created_at < farewells.AGAIN.give_up_after else None
    if each.fault is not None and each.service in paused:
        again = paused[each.service]
    elif each.fault is not None and not each.fault.permanent:
        again = farewells.next_try(row, now, each.fault.retry_after)
    farewells.ended(row, again)


def _note_devices(landed: Sequence[Landed], now: datetime) -> None:
    """When devices last got a message, their last fault, and those that are gone."""
    _note_arrivals([device for device, each in _devices(landed) if each.fault is None and each.again_at is None], now)
    gone: dict[str, list[Device]] = {}
    for device, each in _devices(landed):
        if isinstance(each.fault, RecipientGone):
            gone.setdefault(each.fault.detail, []).append(device)
        elif each.fault is not None:
            Device.objects.filter(pk=device.pk).update(last_fault=each.fault.detail[:300])
    for reason, those in gone.items():
        devices.remove(those, reason, now)


def _note_arrivals(reached: Sequence[Device], now: datetime) -> None:
    known = now - USE_NOTED_EVERY
    news = {each.pk for each in reached if each.last_fault or each.last_sent_at is None or each.last_sent_at <= known}
    if news:
        with transaction.atomic():  # in one order, as claiming locks them
            rows = Device.objects.filter(pk__in=news).order_by("pk").select_for_update(no_key=True)
            Device.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(
                last_sent_at=now, last_fault=""
            )


def _devices(landed: Sequence[Landed]) -> Iterator[tuple[Device, Landed]]:
    for each in landed:
        row = each.parcel.row
        if isinstance(row, Farewell):
            continue
        device = row if isinstance(row, Device) else row.device
        if device is not None:
            yield device, each
