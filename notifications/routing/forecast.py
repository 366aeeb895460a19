"""Forecast of how messages would reach a person at an instant, by the pipeline's code: nothing is stored or sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications import reasons
from notifications.channel_facts import INBOX
from notifications.models import (
    Category,
    Delivery,
    DeliveryState,
    Device,
    Event,
    Notification,
    NotificationState,
    Priority,
    Recipient,
)
from notifications.preferences import delivery_decision
from notifications.preferences.lookup import PreferenceSet
from notifications.preferences.matrix import categories_of
from notifications.routing.addressing import Addresses, Contacts

URGENT, TASK, UPDATE = "urgent", "task", "update"
KINDS: dict[str, tuple[str, str]] = {
    URGENT: (Priority.URGENT, NotificationState.OPEN),
    TASK: (Priority.NORMAL, NotificationState.OPEN),
    UPDATE: (Priority.NORMAL, NotificationState.INFO),
}
"""Priority and state of a message, by the kind that people ask about."""
WORTH = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Reach:
    """The devices and channels by which a message reaches the person. Without any, it only appears in the inbox.
    `waits_until`: the end of the time for which it is held back."""

    rings: tuple[str, ...] = ()
    """Names of devices."""
    silent: tuple[str, ...] = ()
    """Names of devices that make no sound."""
    channels: tuple[str, ...] = ()
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast for a kind of message in these categories."""

    kind: str
    categories: Sequence[Category]
    reach: Reach


class Outlooks:
    """Forecasts for one person, whose devices and preferences are read once."""

    def __init__(self, person: Recipient) -> None:
        self.person = person
        self._contacts = Contacts()
        self._contacts.look_up([person])
        self._categories = list(categories_of(person))

    @property
    def chosen(self) -> PreferenceSet:
        return self._contacts.chosen.of(self.person)

    def at(self, now: datetime) -> list[Outlook]:
        """Return the forecasts: for each kind, one for all categories with the same result."""
        return [outlook for kind in KINDS for outlook in self._of(kind, now)]

    def _of(self, kind: str, now: datetime) -> Iterator[Outlook]:
        by_reach: dict[Reach, list[Category]] = {}
        for category in self._categories:
            by_reach.setdefault(_reach_of(self._rows(kind, category, now)), []).append(category)
        for reach, categories in by_reach.items():
            yield Outlook(kind, categories, reach)

    def most_an_hour(self, kind: str) -> int | None:
        """Return the maximum number of such messages an hour by one channel; None: no limit."""
        priority, state = KINDS[kind]
        return delivery_decision.most_an_hour(self.chosen, Notification(priority=priority, state=state))

    def is_quiet_where_muted(self, kind: str) -> bool:
        """Return whether such messages of some muted case only appear in the inbox."""
        return bool(self.chosen.muted) and any(self._is_muted(kind, category) for category in self._categories)

    def _is_muted(self, kind: str, category: Category) -> bool:
        message = self._message(kind, category)
        message.case_id = min(self.chosen.muted)
        channels = [channel for channel in category.channels if channel != INBOX]
        whys = (delivery_decision.not_wanted(self.chosen, message, channel) for channel in channels)
        return any(why.code == reasons.MUTED_CASE.name for why in whys)

    def _message(self, kind: str, category: Category) -> Notification:
        priority, state = KINDS[kind]
        return Notification(recipient=self.person, category=category, priority=priority, state=state)

    def _rows(self, kind: str, category: Category, now: datetime) -> list[Delivery]:
        message = self._message(kind, category)
        addresses = Addresses(Event(), now, self._contacts)
        addresses.look_up([self.person], category.channels)
        return addresses.deliveries(message, self.person, category.channels, {}, now + WORTH)


def _reach_of(rows: Sequence[Delivery]) -> Reach:
    """Return the reach of the first turn that reaches anything: later turns are in reserve."""
    first = [row for row in rows if row.channel != INBOX and row.state == DeliveryState.PENDING and not row.turn]
    devices = [row.device for row in first if isinstance(row.device, Device)]
    return Reach(
        rings=tuple(device.name for device in devices if not device.silent),
        silent=tuple(device.name for device in devices if device.silent),
        channels=tuple(dict.fromkeys(row.channel for row in first if row.device is None)),
        waits_until=next((row.due_at for row in first if row.held), None),
    )
