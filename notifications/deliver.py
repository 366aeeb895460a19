"""Sends planned deliveries through their channel's transport and records what came of it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from notifications import message
from notifications.errors import TransportError
from notifications.models import ActionToken, Delivery, DeliveryAttempt, DeliveryState, Notification, NotificationState
from notifications.transports import transport_for
from notifications.types import Json, Message
from wfpush import outbox
from wfpush.crypto import digest_of, new_action_token
from wfpush.threads import in_database_thread

log = structlog.get_logger(__name__)

SOURCE = "deliveries"
BATCH = 20
SENDERS = 8
LEASE = timedelta(minutes=3)
"""Longer than an SMTP conversation may take (EMAIL_TIMEOUT for each of its steps)."""
RETRY = outbox.Backoff(first=timedelta(seconds=5), give_up_after=timedelta(days=4))
TOKEN_LIFE = timedelta(days=30)

_senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="deliveries")


@dataclass(frozen=True)
class Parcel:
    """A claimed delivery with all its transport needs; the transport never touches the database."""

    delivery: Delivery
    message: Message
    link: str


def waiting() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state=DeliveryState.PENDING)


def has_due(now: datetime) -> bool:
    return outbox.due(waiting(), now).exists()


async def drain() -> None:
    """Send what is due until nothing is. One slow address never delays another batch's recording."""
    while parcels := await in_database_thread(_claim):
        await asyncio.gather(*(_send(parcel) for parcel in parcels if parcel is not None))


def _claim() -> list[Parcel | None]:
    now = timezone.now()
    needed = waiting().select_related(
        "notification__task",
        "notification__case",
        "notification__category",
        "notification__brand",
        "notification__recipient__brand",
        "recipient",
    )
    return [_prepare_safely(delivery, now) for delivery in outbox.claim(needed, limit=BATCH, lease=LEASE, now=now)]


def _prepare_safely(delivery: Delivery, now: datetime) -> Parcel | None:
    try:
        return _prepare(delivery, now)
    except Exception as fault:  # one message that cannot be made must not hold up the others
        log.exception("delivery_cannot_be_prepared", delivery=str(delivery.pk))
        record(delivery, TransportError(f"{type(fault).__name__}: {fault}"), now)
        return None


def _prepare(delivery: Delivery, now: datetime) -> Parcel | None:
    """The parcel to send, or None when the delivery ended here because it is no longer worth sending."""
    notification = delivery.notification
    if notification.state not in (NotificationState.OPEN, NotificationState.INFO):
        outbox.end(delivery, state=DeliveryState.SUPERSEDED, reason=notification.get_state_display(), ended_at=now)
        return None
    if delivery.expires_at is not None and delivery.expires_at <= now:
        outbox.end(delivery, state=DeliveryState.EXPIRED, reason="Older than it is worth", ended_at=now)
        return None
    if not delivery.recipient.active:
        outbox.end(delivery, state=DeliveryState.SUPPRESSED, reason="No longer active", ended_at=now)
        return None
    with transaction.atomic():
        DeliveryAttempt.objects.create(delivery=delivery, number=delivery.attempts, started_at=now)
        link = f"{settings.BASE_URL}/a/{_new_token(delivery, now)}"
    return Parcel(delivery, message.message_of(notification, words=delivery.words), link)


def _new_token(delivery: Delivery, now: datetime) -> str:
    """A token for this one message: its person, address and task, and what may be answered with the message alone."""
    token = new_action_token()
    notification = delivery.notification
    ActionToken.objects.create(
        digest=digest_of(token),
        recipient=delivery.recipient,
        notification=notification,
        delivery=delivery,
        actions=answerable_with_the_message(notification),
        expires_at=expiry_of(notification.due_at, now),
    )
    return token


def answerable_with_the_message(notification: Notification) -> list[str]:
    """A mailbox is not a sign-in: final answers and questions need one, unless the route says otherwise."""
    allowed = notification.actions if notification.answer_from_email else _acknowledgements(notification)
    return [action["action"] for action in allowed]


def _acknowledgements(notification: Notification) -> list[Json]:
    return [action for action in notification.actions if action["effect"] == "acknowledge"]


def expiry_of(due_at: datetime | None, now: datetime) -> datetime:
    """30 days, or a week past due if that is later."""
    end = now + TOKEN_LIFE
    return max(end, due_at + timedelta(days=7)) if due_at else end


async def _send(parcel: Parcel) -> None:
    delivery = parcel.delivery
    fault = await asyncio.get_running_loop().run_in_executor(_senders, partial(_transport, parcel))
    await in_database_thread(record, delivery, fault, timezone.now())


def _transport(parcel: Parcel) -> TransportError | None:
    transport = transport_for(parcel.delivery.channel)
    if transport is None:
        return TransportError("This channel is not available.", permanent=True)
    try:
        transport.send(parcel.delivery.address, parcel.message, delivery_id=parcel.delivery.pk, link=parcel.link)
    except TransportError as fault:
        return fault
    except Exception as fault:  # a transport's own mistake must not stop the others
        log.exception("transport_failed", channel=parcel.delivery.channel)
        return TransportError(f"{type(fault).__name__}: {fault}")
    return None


def record(delivery: Delivery, fault: TransportError | None, now: datetime) -> None:
    """Write down what came of an attempt: delivered, tried again later, or given up with the reason."""
    with transaction.atomic():
        DeliveryAttempt.objects.filter(delivery=delivery, number=delivery.attempts).update(
            ended_at=now, succeeded=fault is None, detail=(fault.detail if fault else "")[:500]
        )
        if fault is None:
            outbox.end(delivery, state=DeliveryState.DELIVERED, reason="", ended_at=now)
            return
        again = (
            None if fault.permanent else RETRY.next_at(delivery.attempts, delivery.created_at, now, fault.retry_after)
        )
        if again is None:
            outbox.end(delivery, state=DeliveryState.DEAD, reason=fault.detail[:500], ended_at=now)
        else:
            outbox.postpone(delivery, again, reason=fault.detail[:500])


def resend(delivery_id: UUID, now: datetime) -> bool:
    """Try a dead delivery again. False when it is not dead or its notification no longer asks."""
    dead = Delivery.objects.filter(
        pk=delivery_id,
        state=DeliveryState.DEAD,
        notification__state__in=(NotificationState.OPEN, NotificationState.INFO),
    )
    revived = dead.update(
        state=DeliveryState.PENDING,
        due_at=now,
        created_at=now,
        ended_at=None,
        reason="",
        attempts=0,
        expires_at=now + timedelta(days=3),
    )
    if revived:
        outbox.wake_on_commit(SOURCE)
    return bool(revived)


SOURCES = (outbox.Source(SOURCE, "dispatcher", has_due, drain),)
