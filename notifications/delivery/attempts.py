"""Attempts: claimed rows with the data that transports need to send without a database; and the attempts' results."""

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
    """A claimed row that is to be sent to a service. From `over_at` on it is no longer sent.

    `parts` are the attempts of all rows that this one message is for, and they share its result. `row` is one of these
    rows.
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
        """The device or address. When a service fails, each device or address counts once."""
        raise NotImplementedError

    @property
    def failed_before(self) -> bool:
        """Return whether the last message to the device failed, as of the claim."""
        return False

    def lease_left(self, now: datetime) -> timedelta:
        return self.row.lease_until - now if self.row.lease_until is not None else timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAttempt(Attempt):
    """A message to an address of a person. If there is a `bundle`, it is sent instead: several messages in one."""

    row: Delivery
    message: Message
    link: str
    bundle: Bundle | None = None

    @property
    def party(self) -> Hashable:
        return self.row.address


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAttempt(Attempt):
    """A message to a device. A test message has the device itself as its `row`."""

    address: PushAddress
    message: PushMessage

    @property
    def device(self) -> UUID:
        """The device that gets the message; for a farewell, the id of the removed device."""
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
        """Return the message with a TTL that ends at `over_at`: a push service need not keep it for longer."""
        if self.over_at is None:
            return self.message
        return replace(self.message, ttl=max(0, min(self.message.ttl, int((self.over_at - now).total_seconds()))))


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an attempt: sent, failed, or, with `again_at`, not made. `reason`: why it was not made, if people
    see why.

    `hands_over`: it was not made because its service is paused; people with another channel are notified there.
    `works_again`: the service was down. `probed`: it was paused, and this attempt tried it. `refused`: the people whose
    messages it has refused since it last took one; empty if it took one a moment ago. `references`: the service's names
    for the messages that it took; receipts use these names.
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
