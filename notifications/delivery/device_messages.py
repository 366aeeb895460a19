"""Makes attempts of rows that were claimed for devices, each with its payload, address and service."""

import base64
import hashlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils import translation

from notifications import reasons
from notifications.channels import registry
from notifications.delivery import device_test, frequency_caps, lock_screens, preference_check
from notifications.delivery.attempts import DeviceAttempt, Service
from notifications.delivery.digests import DIGEST_THRESHOLD
from notifications.items import action_tokens, ledger, lifetime, outcomes
from notifications.items.ledger import Outcome
from notifications.items.representation import unread_counts
from notifications.models import (
    Delivery,
    DeliveryState,
    Device,
    Farewell,
    Notification,
    NotificationState,
    Priority,
)
from notifications.people import device_removal, revocation
from notifications.preferences.lookup import Reading
from notifications.types import Message, PushAddress, PushKind, PushMessage
from notifications.wording import digests, message
from notifications.wording.languages import language_of, speaking_to
from wfpush.postgres import keys
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _BatchContext:
    """Data read for all claimed rows: their tokens, people's unread counts, and the rows that have a reserve."""

    tokens: dict[UUID, str]
    unread: dict[int, int]
    with_reserve: set[UUID]
    words: dict[Hashable, Message] = field(default_factory=dict)
    """Messages that were made: a person's devices get the same."""


def for_deliveries(rows: Sequence[Delivery], now: datetime) -> list[DeviceAttempt]:
    """Return the attempts for claimed rows. Rows that are no longer worth sending end."""
    for pk in {row.recipient_id for row in rows if not row.recipient.may_act}:
        revocation.settle(pk, now)  # devices of a closed account, or registered under an old password, get no messages
    late = _overtaken(rows)
    ended = [each for each in (_not_worth_sending(row, row.pk in late, now) for row in rows) if each is not None]
    over = {each.delivery for each in ended}
    going = [row for row in rows if row.pk not in over]
    ledger.record([each for each in ended if each.state != DeliveryState.DELIVERED], now)
    ledger.record_replacements([each for each in ended if each.state == DeliveryState.DELIVERED], now)
    reading = Reading()
    going = preference_check.settle(going, reading, now)
    if not going:
        return []
    with transaction.atomic():
        # a sign-out at this moment waits for the lock, and then voids these tokens, too
        ids = [row.device_id for row in going if row.device_id]
        locked = Device.objects.filter(keys.among(Device, ids)).order_by("pk").select_for_update(no_key=True)
        there = set(locked.values_list("pk", flat=True))
        units, waiting = _in_limits([row for row in going if row.device_id in there], reading, now)
        going = [row for unit in units for row in unit]
        ledger.begin(going, now)
        tokens = _tokens([unit[0] for unit in units if len(unit) == 1], now)
    ledger.put_back(waiting)
    unread = unread_counts(list({row.recipient_id for row in going}))
    batch = _BatchContext(tokens, unread, ledger.with_reserve(going))
    return [attempt for unit in units for attempt in _attempts_of(unit, batch, now)]


def _in_limits(rows: Sequence[Delivery], reading: Reading, now: datetime) -> tuple[list[list[Delivery]], list[Outcome]]:
    """Return the rows of each message that goes now, and the outcomes of rows that wait for the hourly limit."""
    hour = frequency_caps.Hour(rows, reading, now)
    units: list[list[Delivery]] = []
    waiting: list[Outcome] = []
    for unit in _units(rows):
        too_many = hour.waiting(unit)
        waiting += too_many
        units += [] if too_many else [unit]
    return units, waiting


def _units(rows: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Group the rows by message. More than `DIGEST_THRESHOLD` held-back rows of a device become one message."""
    held: dict[tuple[UUID | None, int | None], list[Delivery]] = {}
    for row in rows:
        if row.held and not row.is_replacement and not row.critical and row.notification.priority != Priority.URGENT:
            held.setdefault((row.device_id, row.notification.brand_id or row.recipient.brand_id), []).append(row)
        else:
            yield [row]
    for unit in held.values():
        if len(unit) > DIGEST_THRESHOLD:
            yield unit
        else:
            yield from ([row] for row in unit)


def _attempts_of(unit: Sequence[Delivery], batch: _BatchContext, now: datetime) -> Sequence[DeviceAttempt]:
    made = (_make_safely(row, batch, now) for row in unit)
    parts = [attempt for attempt in made if attempt is not None]
    return parts if len(parts) < 2 else [_digest(parts)]


def _digest(parts: Sequence[DeviceAttempt]) -> DeviceAttempt:
    """Return one message that opens the inbox. The next one replaces it."""
    newest = max(parts, key=lambda part: part.row.pk)
    assert isinstance(newest.row, Delivery)
    notifications = {
        part.row.notification_id: part.row.notification for part in parts if isinstance(part.row, Delivery)
    }
    language = language_of(newest.row.recipient)
    with translation.override(language):
        title = digests.summary(list(notifications.values()))
        text = digests.waits_for_you(digests.waiting(notifications.values()))
    words = replace(message.saying(newest.message.message, text, language), title=title, priority=Priority.NORMAL.value)
    push = replace(
        newest.message,
        message=words,
        tag=_tag(f"together:{newest.device}"),
        link=newest.message.message.brand["base_url"] + reverse("inbox:list"),
        token="",
        state=NotificationState.INFO.value,
    )
    if newest.row.device is not None:
        push = lock_screens.for_device(push, newest.row.device, customer=newest.row.recipient.external)
    over = [part.over_at for part in parts if part.over_at is not None]
    return replace(newest, message=push, parts=tuple(parts), over_at=max(over, default=None))


def for_tests(devices: Sequence[Device], now: datetime) -> list[DeviceAttempt]:
    """Return attempts for the test messages that people have requested."""
    made = (_test(device, now) for device in devices if device.recipient.may_act)
    return [attempt for attempt in made if attempt is not None]


def for_farewells(rows: Sequence[Farewell], now: datetime) -> list[DeviceAttempt]:
    """Return attempts for the last messages to removed devices."""
    return [_attempt(row, device_removal.address_of(row), device_removal.message(row, now)) for row in rows]


def _attempt(row: Delivery | Device | Farewell, address: PushAddress, push: PushMessage, **more: Any) -> DeviceAttempt:
    return DeviceAttempt(row=row, service=_service_of(row.channel, address), address=address, message=push, **more)


def _service_of(channel: str, address: PushAddress) -> Service:
    try:
        device_channel = registry.device_channel(channel)
        device_channel.learn(address.sender)
        return (channel, device_channel.transport.service_of(address))
    except Exception as fault:  # a token that no longer exists, or a mistake: the result of sending will show it
        log.error("push_service_unknown", channel=channel, fault=repr(fault))
        return (channel, "")


def _test(device: Device, now: datetime) -> DeviceAttempt | None:
    try:
        push = lock_screens.for_device(device_test.message(device, now), device, customer=device.recipient.external)
        return _attempt(device, device_removal.address_of(device), push)
    except Exception as fault:  # caught for the same reason as in _make_safely
        if outage.database_is_away(fault):
            raise
        log.exception("push_test_cannot_be_made", device=str(device.pk))
        outbox.finish(device, last_fault_fact=reasons.crashed(fault).as_json())
        return None


def _overtaken(rows: Sequence[Delivery]) -> set[UUID]:
    """Return replacements of copies whose person has got the task again: the tag now belongs to the newer copy."""
    old = [row for row in rows if row.is_replacement and row.notification.is_copy]
    if not old:
        return set()
    tasks = {row.notification.task_id for row in old}
    copies = Notification.objects.filter(task__in=tasks, is_copy=True).order_by("created_at")
    newest = {(copy.task_id, copy.recipient_id): copy.pk for copy in copies.only("task_id", "recipient_id")}
    return {row.pk for row in old if newest[row.notification.task_id, row.recipient_id] != row.notification_id}


def _not_worth_sending(row: Delivery, overtaken: bool, now: datetime) -> Outcome | None:
    """Return the outcome of a row that is no longer worth sending, or None. Replacements stay delivered."""
    if row.is_replacement:
        useless = overtaken or row.device is None or not row.recipient.present
        return ledger.outcome(row, DeliveryState.DELIVERED, attempted=False) if useless else None
    over = ledger.not_worth_sending(row, now)
    if over is None and row.device is None:
        return ledger.outcome(row, DeliveryState.SUPPRESSED, reasons.DEVICE_REMOVED(), attempted=False)
    return over


def _tokens(rows: Sequence[Delivery], now: datetime) -> dict[UUID, str]:
    """Return the action tokens of devices that may answer, by row."""
    answerable = [
        (row, actions)
        for row in rows
        if row.notification.state == NotificationState.OPEN
        and (actions := action_tokens.answerable_by(row.channel, row.notification))
    ]
    return {row.pk: token for (row, _), token in zip(answerable, action_tokens.give(answerable, now), strict=True)}


def _make_safely(row: Delivery, batch: _BatchContext, now: datetime) -> DeviceAttempt | None:
    try:
        return _make(row, batch, now)
    except Exception as fault:  # a message that cannot be made must not hold up the others
        if outage.database_is_away(fault):
            raise
        log.exception("push_message_cannot_be_made", delivery=str(row.pk))
        reason = reasons.crashed(fault)
        if row.is_replacement:
            ledger.record_replacements([ledger.outcome(row, DeliveryState.DEAD, reason)], now)
        else:
            ledger.record([ledger.outcome(row, DeliveryState.DEAD, reason)], now)
        return None


def _make(row: Delivery, batch: _BatchContext, now: datetime) -> DeviceAttempt:
    assert row.device is not None  # rows without one have ended
    kind: PushKind = "replacement" if row.is_replacement else "message"
    push = _push(row, kind, _message(row, batch, now), batch.tokens.get(row.pk, ""), now)
    push = replace(push, unread=batch.unread.get(row.recipient_id, 0))
    more = {"has_reserve": row.pk in batch.with_reserve, "over_at": ledger.over_at(row)}
    return _attempt(row, device_removal.address_of(row.device), push, **more)


def replacement(row: Delivery, token: str, now: datetime) -> PushMessage:
    """Return the message that replaces the row's message now, as its device may show it; `token` is for its answers."""
    return _push(row, "replacement", _words(row, now), token, now)


def _push(row: Delivery, kind: PushKind, words: Message, token: str, now: datetime) -> PushMessage:
    notification = row.notification
    push = PushMessage(
        kind=kind,
        message=words,
        tag=tag_of(notification),
        link=f"{message.base_of(message.brand_shown(notification))}/n/{notification.pk}?by={row.channel}",
        token=token,
        ttl=int(lifetime.kept_for(notification.due_at, now).total_seconds()),
        at=notification.updated_at,
        state=notification.state,
        unread=0,
        device=str(row.device_id or ""),
        revision=notification.revision,
    )
    return push if row.device is None else lock_screens.for_device(push, row.device, customer=row.recipient.external)


def _message(row: Delivery, batch: _BatchContext, now: datetime) -> Message:
    key = (row.notification_id, row.channel, repr(row.words) if row.words else "")
    if key not in batch.words:
        batch.words[key] = _words(row, now)
    return batch.words[key]


def _words(row: Delivery, now: datetime) -> Message:
    """Return the message; for a notification that is no longer open, its outcome."""
    notification = row.notification
    if notification.state in ledger.NEWS:
        return message.message_of(notification, words=row.words, with_facts=False)
    recipient = row.recipient
    with speaking_to(recipient):
        happened = outcomes.outcome_of(notification, recipient, now)
        original = message.message_of(notification, with_facts=False)
    return message.saying(original, happened, language_of(recipient))


def tag_of(notification: Notification) -> str:
    """Return the key by which messages replace each other on a device, and in a push service's queue: 24 characters for
    a task, or for the notification.

    At most 32 characters of base64url (RFC 8030, 5.4).
    """
    return _tag(
        f"task:{notification.task_id}" if notification.task_id and notification.is_copy else str(notification.pk)
    )


def _tag(subject: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(subject.encode()).digest()[:18]).decode()
