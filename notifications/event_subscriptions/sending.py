"""Sends outgoing events: at least once each, in no order, retried over days.

Each subscription has places of its own, and one that fails is paused, so that it costs others nothing.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.connectors import credentials, reasons, webhook
from notifications.connectors.base import Result
from notifications.engines.calls import TRIED, PausingCalls, next_try, retry_soon, watch
from notifications.event_subscriptions.bodies import bodies_of
from notifications.event_subscriptions.models import EventSubscription, OutgoingEvent, OutgoingState
from notifications.reasons import crashed, said
from wfpush.concurrency.keyed_limits import ClaimedJobs, FreePlaces, Places
from wfpush.concurrency.threads import in_database_thread
from wfpush.crypto import UndecryptableSecret
from wfpush.net.http import outbound_from_settings
from wfpush.observability import services
from wfpush.observability.services import Kind
from wfpush.postgres import prefetch
from wfpush.queue import outage, outbox
from wfpush.queue.owner_queues import OwnerQueue

log = structlog.get_logger(__name__)

SOURCE_NAME = "outgoing_events"
KIND = "event_subscription"
"""The kind of service: subscriptions that get events."""
MAX_CALLS, MAX_CALLS_PER_SUBSCRIPTION = 128, 16
"""Calls that run at the same time: to all receivers, and to one of them."""
LEASE = timedelta(seconds=45)
"""Longer than a call with its database work, so that no call is made twice at the same time."""

Ready = tuple[OutgoingEvent, webhook.Call]

_QUEUE = OwnerQueue(
    owners="event_subscriptions_eventsubscription",
    works="event_subscriptions_outgoingevent",
    key="subscription_id",
    name="name",
    owner_condition="owner.active",
)


def has_due(now: datetime) -> bool:
    return _QUEUE.has_due(now)


def has_late(before: datetime) -> bool:
    """Return whether an event has been due since `before`. Subscriptions that are down are left out."""
    return _QUEUE.has_due(before, without=services.held_names(KIND, timezone.now()))


# --- claiming ---------------------------------------------------------------------------------------------------------
def _claim(room: FreePlaces[int]) -> ClaimedJobs[int, Ready]:
    now = timezone.now()
    owners = dict(_QUEUE.due(room, _calls.breaker.paused(), now))
    with transaction.atomic():
        chosen = room.choose(owners.items())
        claimed = outbox.claim_by_keys(OutgoingEvent.objects.all(), chosen, lease=LEASE, now=now)
        prefetch.read(EventSubscription, "subscription", claimed)
    bodies, secrets = _bodies(claimed, now), _Secrets(now)
    ready = []
    for row in claimed:
        if row.pk not in bodies:
            outbox.held(row).delete()
            continue
        keys = secrets.of(row.subscription)
        if isinstance(keys, Result):
            record(row, keys, now)
            continue
        wait = _calls.breaker.wait(row.subscription.name)
        if wait:  # one call is made to see whether the receiver is back
            outbox.put_back(row, now + timedelta(seconds=wait))
            continue
        call = webhook.signed_call(row.subscription.address, bodies[row.pk], str(row.pk), keys, now)
        ready.append((row.subscription_id, (row, call)))
    return ClaimedJobs(ready, len(claimed))


def _bodies(rows: Sequence[OutgoingEvent], now: datetime) -> dict[UUID, bytes]:
    """Return the bodies of events. One that cannot be written must not hold up the others."""
    try:
        return bodies_of(rows)
    except Exception as fault:
        if outage.database_is_away(fault):
            raise
        if len(rows) > 1:
            half = len(rows) // 2
            return _bodies(rows[:half], now) | _bodies(rows[half:], now)
        log.exception("outgoing_event_cannot_be_written", event_id=str(rows[0].pk))
        record(rows[0], Result("misconfigured", None, crashed(fault), silent=True), now)
        return {}


class _Secrets:
    """The signing secrets of subscriptions, each read once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._read: dict[int, Sequence[str] | Result] = {}

    def of(self, subscription: EventSubscription) -> Sequence[str] | Result:
        """Return the active secrets; a Result if the subscription has none, or none that can be decrypted."""
        if subscription.pk not in self._read:
            self._read[subscription.pk] = self._find(subscription)
        return self._read[subscription.pk]

    def _find(self, subscription: EventSubscription) -> Sequence[str] | Result:
        try:
            secrets = [row.secret for row in credentials.active_secrets(subscription, self._now)]
        except UndecryptableSecret as fault:
            return Result("misconfigured", None, said(str(fault)), silent=True)
        return secrets or Result("misconfigured", None, reasons.NO_SIGNING_SECRET(), silent=True)


# --- sending ----------------------------------------------------------------------------------------------------------
async def _send(ready: Ready) -> None:
    row, call = ready
    began = time.monotonic()
    result = await webhook.post(_calls.open(), call)
    watch((KIND, row.subscription.name), result, party=row.pk, seconds=time.monotonic() - began)
    await in_database_thread(_handle_result, row, result, timezone.now())


def _handle_result(row: OutgoingEvent, result: Result, now: datetime) -> None:
    if _calls.works_again(row.subscription.name, result):
        retry_soon(OutgoingEvent.objects.filter(subscription=row.subscription_id), now)
    record(row, result, now)


def record(row: OutgoingEvent, result: Result, now: datetime) -> None:
    """Record the result of a call. If the lease was lost, the new holder decides."""
    fields: dict[str, Any] = {"last_status": result.status, "detail_fact": result.reason.as_json()}
    if result.outcome in ("done", "handled"):
        outbox.finish(row, state=OutgoingState.DELIVERED, ended_at=now, **fields)
        return
    if result.outcome == "gone":
        _switch_off(row.subscription, now)
    since = row.first_attempt_at or now
    again = next_try(row.attempts, since, now, result)
    if again is None:
        outbox.finish(row, state=OutgoingState.FAILED, ended_at=now, **fields)
    else:
        outbox.postpone(row, again, first_attempt_at=since, **fields)


def _switch_off(subscription: EventSubscription, now: datetime) -> None:
    """410: send and record nothing more until an administrator switches the subscription on. What waits is kept."""
    with transaction.atomic():
        rows = EventSubscription.objects.filter(pk=subscription.pk, active=True).select_for_update(no_key=True)
        for row in rows:
            row.active, row.gone_at = False, now
            row._change_reason = "The address is gone (410)"  # type: ignore[attr-defined]  # simple-history reads it
            row.save(update_fields=["active", "gone_at"])
            log.error("event_subscription_gone", subscription=row.name)


# --- by hand ----------------------------------------------------------------------------------------------------------
def send_again(rows: QuerySet[OutgoingEvent], now: datetime) -> int:
    """Send those events again that were given up, under the same ids. Return their number."""
    failed = rows.filter(state=OutgoingState.FAILED)
    fields = {"state": OutgoingState.WAITING, "ended_at": None, "first_attempt_at": None, "attempts": 0}
    count = outbox.make_due(failed, now, **fields)
    outbox.wake_on_commit(SOURCE_NAME)
    return count


# --- states of receivers ----------------------------------------------------------------------------------------------
def _waiting() -> QuerySet[OutgoingEvent]:
    return OutgoingEvent.objects.filter(due_at__isnull=False, subscription__active=True)


def _resume(name: str, now: datetime) -> None:
    retry_soon(OutgoingEvent.objects.filter(subscription__name=name), now)
    outbox.wake_on_commit(SOURCE_NAME)


def kinds() -> Sequence[Kind]:
    return (
        Kind(
            KIND,
            _("Event subscription"),
            SOURCE_NAME,
            _waiting,
            lambda name: Q(subscription__name=name),
            _resume,
            lambda: EventSubscription.objects.filter(active=True).values_list("name", flat=True),
            may_be_tried=TRIED,
        ),
    )


def _places() -> Places[int, Ready]:
    return Places(_claim, _send, most=MAX_CALLS, each=MAX_CALLS_PER_SUBSCRIPTION)


_calls = PausingCalls(_places, lambda: outbound_from_settings(per_host=0))

SOURCES = (outbox.Source(SOURCE_NAME, "dispatcher", has_due, _calls.drain, _calls.close, has_late),)
