"""Who hears outside of the inbox: who has an address on a channel that they want, and is not left in peace for long."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property

from notifications.channels.registry import person_channels
from notifications.models import Category, Device, Recipient
from notifications.preferences import holding
from notifications.preferences.chosen import Reading

LONG = timedelta(hours=24)
"""Quiet hours of this length and more are told of; nights are not."""

Stretch = tuple[datetime, datetime]


class Hearing:
    """All people at once, as they are now. `until`: how far ahead long quiet hours are looked for."""

    def __init__(self, now: datetime, until: datetime) -> None:
        self._now, self._until = now, until
        self._reading = Reading()
        self._channels: dict[int, set[str]] = defaultdict(set)
        for pk, channel in Device.objects.order_by().values_list("recipient_id", "channel").distinct():
            self._channels[pk].add(channel)

    def has_address(self, person: Recipient, channels: Iterable[str], category: Category | None = None) -> bool:
        """On one of the channels at least, without those that are turned off for the category."""
        at = {each.name for each in person_channels() if each.transport.address_of(person)}
        own = (self._channels.get(person.pk, set()) | at).intersection(channels)
        if category is None or not own:
            return bool(own)
        chosen = self._reading.of(person)
        return any(not chosen.off(category, channel) for channel in own)

    def waits_until(self, person: Recipient, instant: datetime) -> str:
        """The end of the long quiet hours in which the instant lies, by the person's wall clock; empty outside them."""
        mine = self._stretches.get(person.pk, ())
        ends = (holding.local(end, self._reading.of(person)) for begin, end in mine if begin <= instant < end)
        return next(ends, "")

    @cached_property
    def changes(self) -> Mapping[datetime, set[int]]:
        """Return the pks of people by the instant at which long quiet hours of theirs begin."""
        people_by_start: dict[datetime, set[int]] = defaultdict(set)
        for pk, stretches in self._stretches.items():
            for begin, _ in stretches:
                if begin > self._now:
                    people_by_start[begin].add(pk)
        return people_by_start

    @cached_property
    def _stretches(self) -> dict[int, list[Stretch]]:
        people = Recipient.objects.filter(active=True, engine=None)
        self._reading.look_up(people)
        by_person = {}
        for person in people:
            quiet = self._reading.of(person).quiet
            stretches = quiet.stretches(self._now, self._until) if quiet is not None else ()
            if mine := [(begin, end) for begin, end in stretches if end - begin >= LONG]:
                by_person[person.pk] = mine
        return by_person
