"""Sends planned deliveries to people's addresses and records what came of it. Devices have
`notifications/delivery/push.py`."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.channel_facts import Trust, device_channels, facts_of
from notifications.channels import registry
from notifications.channels.base import PersonChannel, Places
from notifications.delivery import listening, restraint, results
from notifications.errors import ServiceRefuses, TransportError
from notifications.items import action_tokens, ledger, receipts
from notifications.models import Delivery, DeliveryState, Notification, NotificationState
from notifications.types import Message
from notifications.wording import message
from wfpush.concurrency.places import Claimed, Room
from wfpush.concurrency.places import Places as UnderWay
from wfpush.concurrency.threads import in_database_thread
from wfpush.queue import outbox

log = structlog.get_logger(__name__)

SOURCE = "deliveries"
CLOSE_SECONDS = 2.0
RETRY = outbox.Backoff(first=timedelta(seconds=5), give_up_after=timedelta(days=4))
"""Where another channel is in reserve, messages are handed on as soon as those for devices are."""

UNKNOWN = Places(most=8, each=4, by=F("channel"))
"""For rows of channels that are not there any more: each ends with a reason."""


@dataclass(frozen=True)
class Parcel:
    """A claimed delivery with all its transport needs; the transport never touches the database."""

    delivery: Delivery
    message: Message
    link: str
    has_reserve: bool = False


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an attempt: a fault, or the service's names for what it took."""

    fault: TransportError | None = None
    references: Sequence[str] = ()


def waiting() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state=DeliveryState.PENDING).exclude(channel__in=device_channels())


def has_due(now: datetime) -> bool:
    return outbox.due(waiting(), now).exists()


class Post:
    """Some channels' messages under way, each in a thread, within the `places` that they have."""

    def __init__(self, channels: Q, places: Places) -> None:
        self._channels = channels
        self._by, self._lease = places.by, places.lease
        self._senders = ThreadPoolExecutor(places.most, thread_name_prefix="deliveries")
        self.under_way: UnderWay[str, Parcel] = UnderWay(self._claim, self._send, most=places.most, each=places.each)

    def _claim(self, room: Room[str]) -> Claimed[str, Parcel]:
        now = timezone.now()
        rows = _with_all_needed().filter(self._channels)
        claimed = outbox.claim_places(rows, room, by=self._by, lease=self._lease, now=now)
        reserved = ledger.with_reserve([row for _, row in claimed])
        parcels = [(place, _prepare_safely(row, row.pk in reserved, now)) for place, row in claimed]
        return Claimed([(place, parcel) for place, parcel in parcels if parcel is not None], len(claimed))

    async def _send(self, parcel: Parcel) -> None:
        came = await asyncio.get_running_loop().run_in_executor(self._senders, partial(_transport, parcel))
        now, has_reserve = timezone.now(), parcel.has_reserve
        await in_database_thread(record, parcel.delivery, came.fault, now, has_reserve, came.references)

    async def close(self) -> None:
        await self.under_way.close(CLOSE_SECONDS)
        self._senders.shutdown(wait=False)


_posts: list[Post] = []


def _all_posts() -> list[Post]:
    """Made on first use, one for each channel: a server that hangs takes no thread from other channels."""
    if not _posts:
        known = registry.person_channels()
        _posts.extend(Post(Q(channel=each.name), each.places) for each in known)
        _posts.append(Post(~Q(channel__in=[each.name for each in known]), UNKNOWN))
        listening.begin()
    return _posts


async def drain() -> None:
    """Begin to send what is due: a domain, server or gateway that is slow holds up no other."""
    for post in _all_posts():
        await post.under_way.drain()


async def drained() -> None:
    """Until nothing is due, and nothing is under way. What one channel gives up, the next one takes over."""
    due = True
    while due:
        for post in _all_posts():
            await post.under_way.drained()
        due = await in_database_thread(has_due, timezone.now())


async def close() -> None:
    """Let what is under way end for a moment."""
    await asyncio.gather(*(post.close() for post in _posts))
    if _posts:
        listening.end()
    _posts.clear()


def _with_all_needed() -> QuerySet[Delivery]:
    return waiting().select_related(
        "notification__task",
        "notification__case",
        "notification__category",
        "notification__brand",
        "notification__on_behalf_of",
        "notification__recipient__brand",
        "recipient__user",
    )


def _prepare_safely(delivery: Delivery, has_reserve: bool, now: datetime) -> Parcel | None:
    try:
        return _prepare(delivery, has_reserve, now)
    except Exception as fault:  # one message that cannot be made must not hold up the others
        log.exception("delivery_cannot_be_prepared", delivery=str(delivery.pk))
        record(delivery, TransportError(reasons.crashed(fault)), now, has_reserve)
        return None


def _prepare(delivery: Delivery, has_reserve: bool, now: datetime) -> Parcel | None:
    """The parcel to send, or None when the delivery ended here because it is no longer worth sending."""
    notification = delivery.notification
    over = ledger.not_worth_sending(delivery, now)
    if over is not None:
        ledger.record([over], now)
        return None
    with transaction.atomic():
        held_back = restraint.held_back(delivery, has_reserve, now)
        if held_back is None:
            ledger.begin([delivery], now)
            (token,) = action_tokens.give([(delivery, _answerable(delivery))], now)
    if held_back is not None:
        (ledger.put_back if held_back.again_at else partial(ledger.record, now=now))([held_back])
        return None
    link = f"{settings.BASE_URL}/a/{token}"
    return Parcel(delivery, message.message_of(notification, words=delivery.words), link, has_reserve)


def _answerable(delivery: Delivery) -> list[str]:
    """What its link may answer by itself; one that goes where nobody is known to be alone is for reading."""
    facts = facts_of(delivery.channel)
    return ANSWERABLE[facts.trust](delivery.notification) if facts is not None else []


def _nothing(notification: Notification) -> list[str]:
    return []


ANSWERABLE: dict[Trust, Callable[[Notification], list[str]]] = {
    "": _nothing,
    "mailbox": action_tokens.answerable_by_mail,
    "device": action_tokens.answerable_from_lock_screen,
}


def _transport(parcel: Parcel) -> Came:
    channel = registry.channels().get(parcel.delivery.channel)
    if not isinstance(channel, PersonChannel):
        return Came(TransportError(reasons.UNAVAILABLE(), permanent=True))
    try:
        references = channel.transport.send(
            parcel.delivery.address, parcel.message, delivery_id=parcel.delivery.pk, link=parcel.link
        )
    except TransportError as fault:
        return Came(fault)
    except Exception as fault:  # a transport's own mistake must not stop the others
        log.exception("transport_failed", channel=parcel.delivery.channel)
        return Came(TransportError(reasons.crashed(fault)))
    return Came(references=references or ())


def record(
    delivery: Delivery,
    fault: TransportError | None,
    now: datetime,
    has_reserve: bool = False,
    references: Sequence[str] = (),
) -> None:
    """Write down what came of an attempt: delivered, tried again later, or given up with the reason."""
    outcome = _outcome(delivery, fault, now, has_reserve)
    if references:
        receipts.record_taken(outcome, delivery.channel, references, now)
    else:
        ledger.record([outcome], now)


def _outcome(delivery: Delivery, fault: TransportError | None, now: datetime, has_reserve: bool) -> ledger.Outcome:
    if fault is None:
        return ledger.outcome(delivery, DeliveryState.DELIVERED)
    again = None if fault.permanent else _again(delivery, fault, now, has_reserve)
    if again is None:
        return ledger.outcome(delivery, DeliveryState.DEAD, fault.reason)
    return ledger.outcome(delivery, DeliveryState.PENDING, fault.reason, again_at=again)


def _again(delivery: Delivery, fault: TransportError, now: datetime, has_reserve: bool) -> datetime | None:
    """None where another channel is to take over, or it is no longer worth it."""
    if not has_reserve:
        return RETRY.next_at(delivery.attempts, delivery.created_at, now, fault.retry_after)
    return None if isinstance(fault, ServiceRefuses) else results.before_reserve(delivery, fault, now)


def resend(delivery_id: UUID, now: datetime) -> bool:
    """Try a dead delivery again. False when it is not dead or its notification no longer asks."""
    dead = Delivery.objects.filter(
        pk=delivery_id,
        state=DeliveryState.DEAD,
        notification__state__in=(NotificationState.OPEN, NotificationState.INFO),
    )
    revived = outbox.make_due(
        dead,
        now,
        state=DeliveryState.PENDING,
        created_at=now,
        ended_at=None,
        attempts=0,
        expires_at=now + timedelta(days=3),
        **reasons.kept("reason", reasons.NOTHING),
    )
    if revived:
        for source in (SOURCE, "push"):
            outbox.wake_on_commit(source)
    return bool(revived)


SOURCES = (outbox.Source(SOURCE, "dispatcher", has_due, drain, close),)
