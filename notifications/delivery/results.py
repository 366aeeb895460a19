"""Writes the results of attempts for many at once: rows of messages, pauses, and the state of devices."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from notifications import reasons
from notifications.channels import registry
from notifications.channels.base import RETRY_PERSONS
from notifications.delivery import service_pauses
from notifications.delivery.attempts import DeviceAttempt, Result, Service
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.items import ledger, receipts
from notifications.items.ledger import Outcome
from notifications.models import Delivery, DeliveryState, Device, Farewell
from notifications.people import device_removal, devices
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
    again = each.again_at if now - row.created_at < device_removal.BACKOFF.give_up_after else None
    if each.fault is not None and each.attempt.service in paused:
        again = paused[each.attempt.service]
    elif each.fault is not None and not each.fault.permanent:
        again = device_removal.next_try(row, now, each.fault.retry_after)
    device_removal.ended(row, again)


# --- devices --------------------------------------------------------------------------------------
def note(results: Sequence[Result], now: datetime) -> None:
    """Write when devices last got a message and their last fault. Remove devices that are gone."""
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
    """Note the arrivals. Deliveries that wait for a device that had failed and works again are due at once."""
    limit = now - USE_NOTED_EVERY
    news = {each.pk for each in reached if each.last_fault or each.last_sent_at is None or each.last_sent_at <= limit}
    if news:
        with transaction.atomic():
            Device.objects.filter(pk__in=_locked(news)).update(last_sent_at=now, last_fault_fact=None)
    work_again = [each.pk for each in reached if each.last_fault]
    if work_again:
        service_pauses.hasten(Delivery.objects.filter(device__in=work_again), now)


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
    """Lock the devices in the same order as claims do. Return their ids."""
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


BEFORE_RESERVE = outbox.Backoff(first=timedelta(seconds=2), give_up_after=timedelta(hours=1), tries=8)
"""Backoff of messages that another channel takes over when this one gives up."""
MAX_RETRY_AGE = timedelta(minutes=90)
"""A message that cannot be tried again within this time after it was made is left to the next channel."""
AN_INSTANT = timedelta(milliseconds=1)
REPLACE_AGAIN = timedelta(seconds=20)
REPLACE_FOR = timedelta(hours=4)
"""Time for which a failing replacement is tried again."""


def write(results: Sequence[Result], now: datetime) -> dict[Service, datetime]:
    """Write all results. Return the services that are paused from now on."""
    paused = _pause(results, now)
    tried: list[Outcome] = []
    put_back: list[Outcome] = []
    replaced: list[Outcome] = []
    for each in results:
        row = each.attempt.row
        if isinstance(row, Device):
            end_test(row, each, now)
        elif isinstance(row, Farewell):
            end_farewell(row, each, paused, now)
        elif row.is_replacement:
            (put_back if each.again_at else replaced).append(_replacement(row, each, now))
        elif each.references:
            receipts.record_taken(_outcome(row, each, paused, now), row.channel, each.references, now)
        else:
            for outcome in _outcomes(each, paused, now):
                (tried if outcome.attempted else put_back).append(outcome)
    ledger.record(tried, now)
    ledger.record_replacements(replaced, now)
    ledger.put_back(put_back)
    note(results, now)
    working = _go_on(results, now)
    return {service: until for service, until in paused.items() if service not in working}


# --- pauses ---------------------------------------------------------------------------------------
def _go_on(results: Sequence[Result], now: datetime) -> set[Service]:
    """Make messages due at once for services that work again, also those just put back. Return the services that were
    paused."""
    resumed = {each.attempt.service for each in results if each.probed and each.fault is None}
    for service in resumed:
        service_pauses.resume(service, now)
    for service in {each.attempt.service for each in results if each.works_again}:
        service_pauses.catch_up(service, now)
    return resumed


def _pause(results: Sequence[Result], now: datetime) -> dict[Service, datetime]:
    paused: dict[Service, datetime] = {}
    for each in results:
        service = each.attempt.service
        if isinstance(each.fault, ServiceRefuses) and service not in paused:
            until = _refused(service, each, each.fault, now)
            if until is not None:
                paused[service] = until
    return paused


def _refused(service: Service, each: Result, fault: ServiceRefuses, now: datetime) -> datetime | None:
    """Return the end of the pause that the refusal causes, or None."""
    if each.probed:
        return service_pauses.prolong(service, fault.reason, now, doubles=not each.attempt.failed_before)
    return (
        service_pauses.pause(service, fault.reason, now) if service_pauses.is_ours(service, each.refused, now) else None
    )


# --- messages -------------------------------------------------------------------------------------
def _outcomes(each: Result, paused: dict[Service, datetime], now: datetime) -> list[Outcome]:
    """Return the outcomes of all rows of one message. They are tried again together, unless the service refused the
    message for good: one of the rows may be the cause."""
    parts, fault = each.attempt.parts, each.fault
    if not parts:
        return [_outcome(each.attempt.row, each, paused, now)] if isinstance(each.attempt.row, Delivery) else []
    if fault is not None and fault.permanent and not isinstance(fault, RecipientGone):
        return [_retry_one(part.row, fault, at, now) for at, part in enumerate(parts) if isinstance(part.row, Delivery)]
    outcomes = [
        _outcome(part.row, replace(each, attempt=part), paused, now) for part in parts if isinstance(part.row, Delivery)
    ]
    if fault is None and each.again_at is None:
        return [replace(outcome, reason=reasons.SENT_TOGETHER(number=len(parts))) for outcome in outcomes]
    again = min((outcome.again_at for outcome in outcomes if outcome.again_at), default=None)
    return [replace(outcome, again_at=again) if outcome.again_at else outcome for outcome in outcomes]


def _retry_one(row: Delivery, fault: TransportError, at: int, now: datetime) -> Outcome:
    """Return an outcome with a due time of its own, so that the rows do not go together (digests.py)."""
    return ledger.outcome(row, DeliveryState.PENDING, fault.reason, again_at=now + at * AN_INSTANT)


def _outcome(row: Delivery, each: Result, paused: dict[Service, datetime], now: datetime) -> Outcome:
    end, fault, service = partial(ledger.outcome, row), each.fault, each.attempt.service
    if each.again_at is not None:
        return _unattempted(row, each, each.again_at, now)
    if fault is None:
        return end(DeliveryState.DELIVERED)
    if isinstance(fault, ServiceRefuses) and service in paused:
        if each.attempt.has_reserve:
            return end(DeliveryState.DEAD, fault.reason)
        reason = service_pauses.waiting_for(service[1]) if isinstance(each.attempt, DeviceAttempt) else fault.reason
        return end(DeliveryState.PENDING, reason, again_at=paused[service])
    return after_fault(row, fault, has_reserve=each.attempt.has_reserve, now=now)


def after_fault(row: Delivery, fault: TransportError, *, has_reserve: bool, now: datetime) -> Outcome:
    """Return the outcome of a message that failed: when it is tried again, or that it is given up, with the reason."""
    if isinstance(fault, RecipientGone) and row.device_id:
        return ledger.outcome(row, DeliveryState.SUPPRESSED, fault.reason)  # as for a device removed before
    again = None if fault.permanent else _retry_at(row, has_reserve, fault, now)
    if again is None:
        return ledger.outcome(row, DeliveryState.DEAD, fault.reason)
    return ledger.outcome(row, DeliveryState.PENDING, fault.reason, again_at=again)


def next_for(row: outbox.Work, now: datetime) -> datetime:
    """Return when the other messages of a failed device are tried again."""
    return BEFORE_RESERVE.next_at(row.attempts, now, now) or now


def _retry_at(row: Delivery, has_reserve: bool, fault: TransportError, now: datetime) -> datetime | None:
    """Return when to try again, or None if another channel is to take over, or it is no longer worth it."""
    if has_reserve:
        waited = row.held is not None and row.attempts < BEFORE_RESERVE.tries  # its time begins only now
        since = now if waited else row.created_at
        again = BEFORE_RESERVE.next_at(row.attempts, since, now, fault.retry_after)
        return again if again is not None and again - since <= MAX_RETRY_AGE else None
    channel = registry.channels().get(row.channel)
    retry = channel.retry if channel is not None else RETRY_PERSONS
    again, over = retry.next_at(row.attempts, row.created_at, now, fault.retry_after), ledger.over_at(row)
    return min(again, over) if again is not None and over is not None else again


def _unattempted(row: Delivery, each: Result, again_at: datetime, now: datetime) -> Outcome:
    """Return the outcome of a message that was not sent because its service is paused, down or too busy. People with
    another channel are notified there."""
    is_late = now - row.created_at >= BEFORE_RESERVE.give_up_after
    if each.attempt.has_reserve and (each.hands_over or is_late):
        return ledger.outcome(row, DeliveryState.DEAD, each.reason or reasons.NO_ANSWER())
    return ledger.outcome(row, DeliveryState.PENDING, each.reason, again_at=again_at, attempted=False)


def _replacement(row: Delivery, each: Result, now: datetime) -> Outcome:
    fault = each.fault
    if each.again_at is not None:
        return ledger.outcome(row, DeliveryState.DELIVERED, again_at=each.again_at, attempted=False)
    if fault is None:
        return ledger.outcome(row, DeliveryState.DELIVERED, reasons.SHOWS_ANOTHER())
    old = now - row.notification.updated_at > REPLACE_FOR
    again = None if fault.permanent or old else now + max(REPLACE_AGAIN, timedelta(seconds=fault.retry_after or 0))
    return Outcome(row.pk, row.lease_token, row.attempts, DeliveryState.DEAD, fault.reason, again)
