"""Attempts: claimed rows with all that sending needs, so that transports need no database; and their results."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from notifications.errors import TransportError
from notifications.models import Delivery, Device, Farewell
from notifications.reasons import NOTHING, Reason
from notifications.types import Bundle, Message, PushAddress, PushMessage

Service = tuple[str, str]
"""A channel, and the name of the service that takes its messages: a push host, a Firebase project, a mail server, a
gateway. Pauses and outages concern one service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A claimed row that is to be sent to a service. `over_at`: from then on it is not sent any more.

    `parts`: this one message is for several rows; it stands for the attempts of all of them, which have the same
    result. `row` is one of them.
    """

    row: Delivery | Device | Farewell
    service: Service
    has_reserve: bool = False
    over_at: datetime | None = None
    parts: Sequence["Attempt"] = ()

    @property
    def channel(self) -> str:
        return self.service[0]

    @property
    def party(self) -> Hashable:
        """The device or address: when a service fails, each counts once."""
        raise NotImplementedError

    @property
    def failed_before(self) -> bool:
        """Whether the last message to its device failed, as known when the row was claimed."""
        return False

    def lease_left(self, now: datetime) -> timedelta:
        return self.row.lease_until - now if self.row.lease_until is not None else timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAttempt(Attempt):
    """A message to an address of a person. `bundle`: several messages, which are sent in its place."""

    row: Delivery
    message: Message
    link: str
    bundle: Bundle | None = None

    @property
    def party(self) -> Hashable:
        return self.row.address


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAttempt(Attempt):
    """A message to a device. `row` is the device itself if it is a test message."""

    address: PushAddress
    message: PushMessage

    @property
    def device(self) -> UUID:
        """The device it goes to; for a farewell, the id of the removed device."""
        if isinstance(self.row, Delivery):
            assert self.row.device_id is not None  # rows without one have ended
            return self.row.device_id
        return self.row.pk if isinstance(self.row, Device) else self.row.device

    @property
    def party(self) -> Hashable:
        return self.device

    @property
    def failed_before(self) -> bool:
        if isinstance(self.row, Farewell):
            return self.row.attempts > 1
        device = self.row if isinstance(self.row, Device) else self.row.device
        return device is not None and device.last_fault_fact is not None

    def message_at(self, now: datetime) -> PushMessage:
        """The message when it is sent `now`: push services keep it no longer than it is useful."""
        if self.over_at is None:
            return self.message
        return replace(self.message, ttl=max(0, min(self.message.ttl, int((self.over_at - now).total_seconds()))))


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an attempt: it was sent, failed, or with `again_at` was not made, for a `reason` if one is to be
    shown.

    `hands_over`: it was not made because its service is paused, and people with another channel are told there.
    `works_again`: the service was down. `probed`: it was paused, and this attempt tried it. `refused`: the people whose
    messages it has refused since it last took one; empty if that was a moment ago. `references`: the service's names
    for what it took, by which receipts come.
    """

    attempt: Attempt
    fault: TransportError | None = None
    again_at: datetime | None = None
    reason: Reason = NOTHING
    hands_over: bool = False
    works_again: bool = False
    probed: bool = False
    refused: frozenset[int] = frozenset()
    references: Sequence[str] = ()
