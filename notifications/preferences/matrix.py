"""The channels by which a person gets each category, with the default of each setting, and the default's source."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from notifications.channel_facts import INBOX
from notifications.channels.base import DeviceChannel, PersonChannel
from notifications.channels.registry import channels as all_channels
from notifications.models import Category, CategoryDefault, Frequency, Notification, Recipient, Route, TargetKind
from notifications.preferences.lookup import SELF, Choice, PreferenceSet, Reading

CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a default: SELF, TEAM or BRAND of the name, or CATEGORY."""

    by: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One channel of a category. `default`: whether it would be on if the person had chosen nothing."""

    channel: str
    on: bool
    default: bool
    source: Source
    """The source of the default."""
    mandatory: bool


@dataclass(frozen=True, slots=True)
class Row:
    category: Category
    cells: Sequence[Cell]
    frequency: Frequency
    default: Frequency
    source: Source
    """The source of the default frequency."""

    def cell(self, channel: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.channel == channel), None)


def rows_of(person: Recipient, chosen: PreferenceSet | None = None) -> list[Row]:
    """Return the rows of the person's categories, in their order."""
    chosen = chosen or Reading().of(person)
    without = replace(
        chosen, choices={pk: [each for each in theirs if each.by != SELF] for pk, theirs in chosen.choices.items()}
    )
    return [_row(category, chosen, without) for category in categories_of(person)]


def categories_of(person: Recipient) -> QuerySet[Category]:
    """Return all categories; for customers those of routes to customers, and those that they know already."""
    if not person.external:
        return Category.objects.all()
    known = (
        Route.objects.filter(targets__kind=TargetKind.CUSTOMER),
        Notification.objects.filter(recipient=person),
        CategoryDefault.objects.filter(brand=person.brand_id or 0),
        person.category_choices.all(),
    )
    return Category.objects.filter(reduce(or_, (Q(pk__in=rows.order_by().values("category")) for rows in known)))


def _row(category: Category, chosen: PreferenceSet, without: PreferenceSet) -> Row:
    others = without.choices.get(category.pk, ())
    return Row(
        category=category,
        cells=tuple(
            Cell(
                channel=name,
                on=not chosen.off(category, name),
                default=not without.off(category, name),
                source=_source(each for each in others if name in each.channels),
                mandatory=name in category.mandatory,
            )
            for name in category.channels
            if name != INBOX and _works(name)
        ),
        frequency=chosen.frequency(category),
        default=without.frequency(category),
        source=_source(each for each in others if each.frequency),
    )


def _works(name: str) -> bool:
    """Return whether the channel is set up here. A channel that is not reaches nobody: there is nothing to choose."""
    channel = all_channels().get(name)
    return channel is not None and channel.facts.is_set_up() and bool(channel.without_address)


def _source(choices: Iterator[Choice]) -> Source:
    choice = next(choices, None)
    return Source(choice.by, choice.name) if choice is not None else Source(CATEGORY)


def columns(rows: Sequence[Row]) -> list[str]:
    """Return the channels of any of the rows, in the order of the settings."""
    channels = {cell.channel for row in rows for cell in row.cells}
    return [name for name in all_channels() if name in channels]


def turned_off(rows: Sequence[Row], missing: Collection[str]) -> list[Row]:
    """Return rows whose channels are all turned off. `missing`: channels without an address of the person."""
    reached = {row.category.pk: [cell for cell in row.cells if cell.channel not in missing] for row in rows}
    return [row for row in rows if reached[row.category.pk] and not any(cell.on for cell in reached[row.category.pk])]


def without_address(person: Recipient, channels: Sequence[str]) -> set[str]:
    """Return the channels that have no address of the person."""
    devices = set(person.devices.values_list("channel", flat=True))

    def has_address(name: str) -> bool:
        channel = all_channels()[name]
        if isinstance(channel, DeviceChannel):
            return name in devices
        return isinstance(channel, PersonChannel) and bool(channel.transport.address_of(person))

    return {name for name in channels if not has_address(name)}
