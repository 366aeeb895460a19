"""By which channels, and to which addresses, a message is sent to a person: one row of the ledger for each.

A category's channels are tried in order. Adjacent channels with devices are one turn: all devices get the message at
once. The next turn is in reserve, and takes over if the one before reaches nobody.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from notifications import reasons
from notifications.channel_facts import INBOX, reaches_devices
from notifications.channels.base import Channel, DeviceChannel, PersonChannel
from notifications.channels.registry import channels as all_channels
from notifications.models import Delivery, DeliveryState, Device, Event, Notification, Recipient
from notifications.types import Json
from wfpush.postgres import bulk
from wfpush.queue import outbox

Devices = dict[int, list[Device]]
"""By people's pk. Several events may share one."""


def read_devices(recipient_ids: set[int], into: Devices) -> None:
    """Read the devices, of all channels, of those people whose devices are not known yet."""
    ids = recipient_ids - into.keys()
    into.update({recipient_id: [] for recipient_id in ids})
    for device in Device.objects.filter(recipient_id__in=ids).order_by("id") if ids else ():
        into[device.recipient_id].append(device)


@dataclass
class Addresses:
    """The devices of all people of one event, read once."""

    event: Event
    now: datetime
    _devices: Devices = field(default_factory=dict)

    def look_up(self, recipients: Iterable[Recipient], channels: Iterable[str]) -> None:
        """Read them, if one of the channels has devices; to be called before `deliveries`."""
        if any(map(reaches_devices, channels)):
            read_devices({recipient.pk for recipient in recipients}, self._devices)

    def deliveries(
        self,
        notification: Notification,
        recipient: Recipient,
        channels: Sequence[str],
        words: Mapping[str, Json],
        worth_until: datetime,
    ) -> list[Delivery]:
        """The rows of one person, the inbox's first. Later turns that can reach the person are in reserve."""
        rows, turn = [self._row(notification, recipient, INBOX, None, **self._ended(DeliveryState.DELIVERED))], 0
        for names in _turns(channels):
            found = [
                self._row(notification, recipient, name, words.get(name), **fields)
                for name in names
                for fields in self._fields(name, recipient, turn, worth_until)
            ]
            rows += found
            turn += any(row.state == DeliveryState.PENDING for row in found)
        return rows

    def _fields(self, name: str, recipient: Recipient, turn: int, worth_until: datetime) -> Iterator[dict[str, Any]]:
        channel = all_channels().get(name)
        sent = {"turn": turn, "expires_at": worth_until, **outbox.scheduled(None if turn else self.now)}
        addresses = list(self._addresses(channel, recipient)) if channel is not None else []
        for address in addresses:
            yield {**sent, **address}
        if not addresses:
            reason = channel.without_address if channel is not None else reasons.UNAVAILABLE()
            if reason:
                yield {**reasons.kept("reason", reason), **self._ended(DeliveryState.SUPPRESSED)}

    def _addresses(self, channel: Channel, recipient: Recipient) -> Iterator[dict[str, Any]]:
        if isinstance(channel, DeviceChannel):
            for device in self._devices.get(recipient.pk, []):
                if device.channel == channel.name:
                    yield {"device": device, "address": device.digest, "shown_to": device.name}
        elif isinstance(channel, PersonChannel):
            address = channel.transport.address_of(recipient)
            if address:
                yield {"address": address, "shown_to": address}

    def _ended(self, state: DeliveryState) -> dict[str, Any]:
        return {"state": state, "ended_at": self.now}

    def _row(
        self, notification: Notification, recipient: Recipient, channel: str, words: Json | None, **fields: Any
    ) -> Delivery:
        about = {"notification": notification, "recipient": recipient, "channel": channel, "words": words}
        return bulk.another(self._blank, **about, **fields)

    @cached_property
    def _blank(self) -> Delivery:
        return bulk.new(Delivery, event=self.event, created_at=self.now)


def _turns(channels: Sequence[str]) -> Iterator[list[str]]:
    others = dict.fromkeys(channel for channel in channels if channel != INBOX)
    for devices, names in groupby(others, reaches_devices):
        if devices:
            yield list(names)
        else:
            yield from ([name] for name in names)
