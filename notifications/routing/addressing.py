"""Choice of the channels and addresses by which a message is sent to a person: one row of the ledger for each.

A category's channels are tried in order. Adjacent channels with devices are one turn: all devices get the message at
once. The next turn is in reserve, and takes over if the previous one reaches nobody. Channels that the person has
switched off are left out. A message that the person wants later waits (notifications/preferences/).
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
from notifications.items import lifetime
from notifications.models import Delivery, DeliveryState, Device, Event, Notification, Recipient
from notifications.preferences import delivery_decision
from notifications.preferences.lookup import Reading
from notifications.types import Json
from wfpush.postgres import bulk
from wfpush.queue import outbox


class Contacts:
    """Devices and delivery preferences of people, read once for each person. Several events may share an instance."""

    def __init__(self) -> None:
        self.chosen = Reading()
        self._devices: dict[int, list[Device]] = {}

    def look_up(self, people: Iterable[Recipient], *, devices: bool = True) -> None:
        """Read the devices and preferences of those people who are not cached yet, for many at once."""
        people = list(people)
        self.chosen.look_up(people)
        ids = {person.pk for person in people} - self._devices.keys() if devices else set()
        self._devices.update({recipient_id: [] for recipient_id in ids})
        for device in Device.objects.filter(recipient_id__in=ids).order_by("id") if ids else ():
            self._devices[device.recipient_id].append(device)

    def devices(self, person: Recipient) -> list[Device]:
        """Return the person's devices; `look_up` must have read them."""
        return self._devices.get(person.pk, [])


@dataclass(frozen=True, slots=True)
class _Context:
    notification: Notification
    recipient: Recipient
    worth_until: datetime
    critical: bool


@dataclass
class Addresses:
    """The addresses of all people of one event."""

    event: Event
    now: datetime
    _contacts: Contacts = field(default_factory=Contacts)

    def look_up(self, recipients: Iterable[Recipient], channels: Iterable[str]) -> None:
        """Read the data that these channels need; to be called before `deliveries`."""
        channels = set(channels) - {INBOX}
        if channels:
            self._contacts.look_up(recipients, devices=any(map(reaches_devices, channels)))

    def deliveries(
        self,
        notification: Notification,
        recipient: Recipient,
        channels: Sequence[str],
        words: Mapping[str, Json],
        worth_until: datetime,
        *,
        critical: bool = False,
    ) -> list[Delivery]:
        """Return the rows of one person, the inbox's first. Later turns that can reach the person are in reserve.
        `critical`: the message is sent at once, whatever the person's preferences."""
        context = _Context(notification, recipient, worth_until, critical)
        rows, turn = [self._row(notification, recipient, INBOX, None, **self._ended(DeliveryState.DELIVERED))], 0
        for names in _turns(channels):
            turn_rows = [
                self._row(notification, recipient, name, words.get(name), **fields)
                for name in names
                for fields in self._fields(name, context, turn)
            ]
            rows += turn_rows
            turn += any(row.state == DeliveryState.PENDING for row in turn_rows)
        return rows

    def _fields(self, name: str, context: "_Context", turn: int) -> Iterator[dict[str, Any]]:
        channel = all_channels().get(name)
        chosen = self._contacts.chosen.of(context.recipient)
        off = delivery_decision.not_wanted(chosen, context.notification, name, critical=context.critical)
        addresses = list(self._addresses(channel, context.recipient)) if channel is not None and not off else []
        sent = self._sent(context, turn) if addresses else {}
        for address in addresses:
            yield {**sent, **address}
        if not addresses:
            reason = off or (channel.without_address if channel is not None else reasons.UNAVAILABLE())
            if reason:
                yield {"reason_fact": reason.as_json(), **self._ended(DeliveryState.SUPPRESSED)}

    def _sent(self, context: "_Context", turn: int) -> dict[str, Any]:
        """Return the fields that say when a row is due. Rows in reserve are not due yet."""
        sent: dict[str, Any] = {"turn": turn, "expires_at": context.worth_until, "critical": context.critical or None}
        if turn:
            return {**sent, **outbox.scheduled(None)}
        chosen = self._contacts.chosen.of(context.recipient)
        wait = delivery_decision.wait_for(chosen, context.notification, self.now, critical=context.critical)
        if wait is None:
            return {**sent, **outbox.scheduled(self.now)}
        sent["expires_at"] = max(context.worth_until, wait.until + lifetime.ONCE_HELD)
        return {**sent, "held": wait.held, "reason_fact": wait.reason.as_json(), **outbox.scheduled(wait.until)}

    def _addresses(self, channel: Channel, recipient: Recipient) -> Iterator[dict[str, Any]]:
        if isinstance(channel, DeviceChannel):
            for device in self._contacts.devices(recipient):
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
        key_fields = {"notification": notification, "recipient": recipient, "channel": channel, "words": words}
        return bulk.another(self._blank, **key_fields, **fields)

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
