"""Results of attempts for devices: of tests and farewells, and the state of each device."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from notifications import reasons
from notifications.delivery import pauses
from notifications.delivery.attempts import DeviceAttempt, Result, Service
from notifications.errors import RecipientGone
from notifications.models import Delivery, Device, Farewell
from notifications.people import devices, farewells
from notifications.reasons import Reason
from wfpush.queue import outbox

USE_NOTED_EVERY = timedelta(minutes=1)


# --- tests and farewells --------------------------------------------------------------------------
def end_test(device: Device, each: Result, now: datetime) -> None:
    fault = each.fault.reason if each.fault else reasons.NOTHING
    if each.again_at is not None:
        fault = each.reason or reasons.NO_ANSWER()
    sent = {} if fault else {"last_sent_at": now}
    outbox.finish(device, attempts=0, last_fault_fact=fault.as_json(), **sent)


def end_farewell(row: Farewell, each: Result, paused: dict[Service, datetime], now: datetime) -> None:
    again = each.again_at if now - row.created_at < farewells.AGAIN.give_up_after else None
    if each.fault is not None and each.attempt.service in paused:
        again = paused[each.attempt.service]
    elif each.fault is not None and not each.fault.permanent:
        again = farewells.next_try(row, now, each.fault.retry_after)
    farewells.ended(row, again)


# --- devices --------------------------------------------------------------------------------------
def note(results: Sequence[Result], now: datetime) -> None:
    """Write when devices last got a message, their last fault, and remove those that are gone."""
    _note_arrivals([device for device, each in _devices(results) if each.fault is None and each.again_at is None], now)
    gone: dict[Reason, list[Device]] = {}
    faults: dict[UUID, Reason] = {}
    for device, each in _devices(results):
        if isinstance(each.fault, RecipientGone):
            gone.setdefault(each.fault.reason, []).append(device)
        elif each.fault is not None:
            faults[device.pk] = each.fault.reason
    _note_faults(faults)
    for reason, those in gone.items():
        devices.remove(those, reason, now)


def _note_arrivals(reached: Sequence[Device], now: datetime) -> None:
    """Make due at once what waits for a device that had failed and works again."""
    limit = now - USE_NOTED_EVERY
    news = {each.pk for each in reached if each.last_fault or each.last_sent_at is None or each.last_sent_at <= limit}
    if news:
        with transaction.atomic():
            Device.objects.filter(pk__in=_locked(news)).update(last_sent_at=now, last_fault_fact=None)
    work_again = [each.pk for each in reached if each.last_fault]
    if work_again:
        pauses.hasten(Delivery.objects.filter(device__in=work_again), now)


def _note_faults(faults: dict[UUID, Reason]) -> None:
    if not faults:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        there = _locked(faults)
        cursor.execute(_FAULTS, [there, reasons.as_column(faults[pk] for pk in there)])


_FAULTS = """
UPDATE notifications_device device SET last_fault_fact = said.fact::jsonb
FROM unnest(%s::uuid[], %s::text[]) AS said(id, fact)
WHERE device.id = said.id AND device.last_fault_fact IS DISTINCT FROM said.fact::jsonb
"""


def _locked(device_ids: Collection[UUID]) -> list[UUID]:
    """Locked in the same order as by claims."""
    rows = Device.objects.filter(pk__in=device_ids).order_by("pk").select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True))


def _devices(results: Sequence[Result]) -> Iterator[tuple[Device, Result]]:
    for each in results:
        row = each.attempt.row
        if isinstance(row, Farewell) or not isinstance(each.attempt, DeviceAttempt):
            continue
        device = row if isinstance(row, Device) else row.device
        if device is not None:
            yield device, each
