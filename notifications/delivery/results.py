"""What came of messages for devices, written down for many at once."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from notifications import reasons
from notifications.delivery import pauses
from notifications.delivery.pauses import Service
from notifications.delivery.push_messages import Parcel
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.items import ledger
from notifications.items.ledger import Outcome
from notifications.models import Delivery, DeliveryState, Device, Farewell
from notifications.people import devices, farewells
from notifications.reasons import Reason
from wfpush.queue import outbox

RETRY = outbox.Backoff(first=timedelta(seconds=2), give_up_after=timedelta(hours=1), tries=8)
LATEST = timedelta(minutes=90)
"""What cannot be tried again within this time of its making leaves it to the next channel."""
PATIENT = outbox.Backoff(first=timedelta(seconds=2), most=timedelta(minutes=15), give_up_after=timedelta(days=1))
"""For messages that no other channel carries."""
REPLACE_AGAIN = timedelta(seconds=20)
REPLACE_FOR = timedelta(hours=4)
"""How long a replacement that cannot be sent is tried again."""
USE_NOTED_EVERY = timedelta(minutes=1)
NO_FAULT = reasons.kept("last_fault", reasons.NOTHING)


@dataclass(frozen=True, slots=True)
class Landed:
    """A parcel that was sent, failed, or with `again_at` was not tried.

    `works_again`: its service was down. `probed`: it was paused, and this message tried it. `refused`: the people whose
    messages the service has refused since it last took one; nobody if that was a moment ago.
    """

    parcel: Parcel
    service: Service
    fault: TransportError | None = None
    again_at: datetime | None = None
    paused: bool = False
    works_again: bool = False
    probed: bool = False
    refused: frozenset[int] = frozenset()


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
    for service in {each.service for each in landed if each.probed and each.fault is None}:
        pauses.resume(service, now)
    for service in {each.service for each in landed if each.works_again}:
        pauses.catch_up(service, now)
    paused: dict[Service, datetime] = {}
    for each in landed:
        if isinstance(each.fault, ServiceRefuses) and each.service not in paused:
            until = _refused(each, each.fault, now)
            if until is not None:
                paused[each.service] = until
    return paused


def _refused(each: Landed, fault: ServiceRefuses, now: datetime) -> datetime | None:
    """Until when its service is paused for it, if so."""
    if each.probed:
        return pauses.prolong(each.service, fault.reason, now, doubles=not each.parcel.failed_before)
    return pauses.pause(each.service, fault.reason, now) if pauses.is_ours(each.service, each.refused, now) else None


# --- messages -------------------------------------------------------------------------------------
def _outcome(row: Delivery, each: Landed, paused: dict[Service, datetime], now: datetime) -> Outcome:
    end = partial(ledger.outcome, row)
    fault = each.fault
    if each.again_at is not None:
        return _waits(row, each, each.again_at, now)
    if fault is None:
        return end(DeliveryState.DELIVERED)
    if isinstance(fault, RecipientGone):  # as if the device had been removed a moment earlier: nobody need look
        return end(DeliveryState.SUPPRESSED, fault.reason)
    if isinstance(fault, ServiceRefuses) and each.service in paused:
        if each.parcel.has_reserve:
            return end(DeliveryState.DEAD, fault.reason)
        return end(DeliveryState.PENDING, pauses.waiting_for(each.service[1]), again_at=paused[each.service])
    again = None if fault.permanent else _again(row, each.parcel.has_reserve, fault, now)
    if again is None:
        return end(DeliveryState.DEAD, fault.reason)
    return end(DeliveryState.PENDING, fault.reason, again_at=again)


def next_for(row: outbox.Work, now: datetime) -> datetime:
    """When a device that failed is tried again with others of its messages."""
    return RETRY.next_at(row.attempts, now, now) or now


def before_reserve(row: Delivery, fault: TransportError, now: datetime) -> datetime | None:
    """When to try again what another channel would carry; None: it takes over."""
    again = RETRY.next_at(row.attempts, row.created_at, now, fault.retry_after)
    return again if again is not None and again - row.created_at <= LATEST else None


def _again(row: Delivery, has_reserve: bool, fault: TransportError, now: datetime) -> datetime | None:
    """When to try again; None where another channel is to take over, or it is no longer worth it."""
    if has_reserve:
        return before_reserve(row, fault, now)
    again = PATIENT.next_at(row.attempts, row.created_at, now, fault.retry_after)
    over = ledger.over_at(row)
    return min(again, over) if again is not None and over is not None else again


def _waits(row: Delivery, each: Landed, again_at: datetime, now: datetime) -> Outcome:
    """Not tried: its service is paused, does not answer others, or is too busy. Who has another channel hears there."""
    reason = pauses.waiting_for(each.service[1]) if each.paused else reasons.NOTHING
    if each.parcel.has_reserve and (each.paused or now - row.created_at >= RETRY.give_up_after):
        return ledger.outcome(row, DeliveryState.DEAD, reason or reasons.NO_ANSWER())
    return ledger.outcome(row, DeliveryState.PENDING, reason, again_at=again_at, attempted=False)


def _replacement(row: Delivery, each: Landed, now: datetime) -> Outcome:
    fault = each.fault
    if each.again_at is not None:
        return ledger.outcome(row, DeliveryState.DELIVERED, again_at=each.again_at, attempted=False)
    if fault is None:
        return ledger.outcome(row, DeliveryState.DELIVERED, reasons.SHOWS_ANOTHER())
    old = now - row.notification.updated_at > REPLACE_FOR
    again = None if fault.permanent or old else now + max(REPLACE_AGAIN, timedelta(seconds=fault.retry_after or 0))
    return Outcome(row.pk, row.lease_token, row.attempts, DeliveryState.DEAD, fault.reason, again)


# --- devices --------------------------------------------------------------------------------------
def _end_test(device: Device, each: Landed, now: datetime) -> None:
    fault = each.fault.reason if each.fault else reasons.NOTHING
    if each.again_at is not None:
        fault = pauses.waiting_for(each.service[1]) if each.paused else reasons.NO_ANSWER()
    said = reasons.kept("last_fault", fault, devices.MOST_FAULT) | ({} if fault else {"last_sent_at": now})
    outbox.finish(device, attempts=0, **said)


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
    gone: dict[Reason, list[Device]] = {}
    faults: dict[UUID, Reason] = {}
    for device, each in _devices(landed):
        if isinstance(each.fault, RecipientGone):
            gone.setdefault(each.fault.reason, []).append(device)
        elif each.fault is not None:
            faults[device.pk] = each.fault.reason
    _note_faults(faults)
    for reason, those in gone.items():
        devices.remove(those, reason, now)


def _note_arrivals(reached: Sequence[Device], now: datetime) -> None:
    """What waits for one that had failed is due at once."""
    known = now - USE_NOTED_EVERY
    news = {each.pk for each in reached if each.last_fault or each.last_sent_at is None or each.last_sent_at <= known}
    if news:
        with transaction.atomic():
            Device.objects.filter(pk__in=_locked(news)).update(last_sent_at=now, **NO_FAULT)
    work_again = [each.pk for each in reached if each.last_fault]
    if work_again:
        pauses.hasten(Delivery.objects.filter(device__in=work_again), now)


def _note_faults(faults: dict[UUID, Reason]) -> None:
    if not faults:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        there = _locked(faults)
        said = reasons.as_columns((faults[pk] for pk in there), devices.MOST_FAULT)
        cursor.execute(_FAULTS, [there, *said])


_FAULTS = """
UPDATE notifications_device device SET last_fault = said.fault, last_fault_fact = said.fact::jsonb
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS said(id, fault, fact)
WHERE device.id = said.id AND device.last_fault_fact IS DISTINCT FROM said.fact::jsonb
"""


def _locked(device_ids: Collection[UUID]) -> list[UUID]:
    """In one order, as claiming locks them."""
    rows = Device.objects.filter(pk__in=device_ids).order_by("pk").select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True))


def _devices(landed: Sequence[Landed]) -> Iterator[tuple[Device, Landed]]:
    for each in landed:
        row = each.parcel.row
        if isinstance(row, Farewell):
            continue
        device = row if isinstance(row, Device) else row.device
        if device is not None:
            yield device, each
