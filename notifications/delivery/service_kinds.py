"""The services of channels (mail server, gateway, push services) and the messages that wait for each."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from django.db.models import Q, QuerySet

from notifications.channel_facts import channel_name
from notifications.channels import registry
from notifications.channels.base import Channel, DeviceChannel, PersonChannel
from notifications.delivery import claims, service_pauses
from notifications.models import Delivery, Device
from wfpush.observability.service_watch import PARTIES
from wfpush.observability.services import Kind, one

QUEUE = "deliveries"
TRIED = service_pauses.MAY_BE_TRIED & Q(attempts__gt=0)


def kinds() -> Sequence[Kind]:
    return [_kind(channel) for channel in registry.channels().values()]


def _kind(channel: Channel) -> Kind:
    label, resume, remedy = channel_name(channel.name), partial(_resume, channel.name), channel.facts.remedy
    if isinstance(channel, DeviceChannel):
        of, parties = partial(_at_service, channel.name), partial(_devices, channel.name)
        return Kind(channel.name, label, QUEUE, claims.due, of, resume, tuple, parties, TRIED, remedy)
    rows, of, names = partial(_waiting, channel.name), partial(_by_channel, channel), partial(_names, channel)
    return Kind(channel.name, label, QUEUE, rows, of, resume, names, one, TRIED, remedy)


def _waiting(channel: str) -> QuerySet[Delivery]:
    return claims.waiting([channel]).filter(due_at__isnull=False)


def _by_channel(channel: Channel, name: str) -> Q:
    """Return a filter for messages that wait for the server. None wait for one that the settings no longer name."""
    return Q(channel=channel.name) if name in _names(channel) else Q(pk__in=())


def _at_service(channel: str, name: str) -> Q:
    return Q(channel=channel, device__in=Device.objects.filter(service_pauses.at((channel, name))))


def _devices(channel: str, name: str) -> int:
    """Return the number of devices, counted up to `PARTIES`."""
    return Device.objects.filter(service_pauses.at((channel, name)))[:PARTIES].count()


def _names(channel: Channel) -> Iterable[str]:
    """Return the name of the channel's service, if it is set up. A channel that is not set up names itself."""
    name = channel.service() if isinstance(channel, PersonChannel) and channel.service is not None else channel.name
    return [name] if name != channel.name else []


def _resume(channel: str, name: str, now: datetime) -> None:
    service_pauses.catch_up((channel, name), now)
