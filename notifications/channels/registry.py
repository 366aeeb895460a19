"""The channels that `settings.CHANNELS` lists, each loaded from the `channel` module of its package."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from django.conf import settings
from django.core.management.base import BaseCommand

from notifications.channels.base import Channel, DeviceChannel, PersonChannel


def channels() -> Mapping[str, Channel]:
    """Return the channels by name, in the order of the settings."""
    return _loaded(tuple(settings.CHANNELS))


def device_channel(name: str) -> DeviceChannel:
    """Return the channel. Raise LookupError for a channel that has no devices."""
    channel = channels().get(name)
    if not isinstance(channel, DeviceChannel):
        raise LookupError(f"{name} is no channel with devices.")
    return channel


def device_channels() -> list[DeviceChannel]:
    return [each for each in channels().values() if isinstance(each, DeviceChannel)]


def person_channels() -> list[PersonChannel]:
    return [each for each in channels().values() if isinstance(each, PersonChannel)]


def command(name: str) -> type[BaseCommand]:
    """Return a command of a channel."""
    commands = {name: made for each in channels().values() for name, made in each.commands.items()}
    return commands[name]


@cache
def _loaded(packages: tuple[str, ...]) -> Mapping[str, Channel]:
    channel_list: list[Channel] = [import_module(f"{package}.channel").CHANNEL for package in packages]
    return MappingProxyType({each.name: each for each in channel_list})
