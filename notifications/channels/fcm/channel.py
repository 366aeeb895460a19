"""Apps, through Firebase Cloud Messaging.

The code that sends is loaded with the first message: firebase-admin and its dependencies would be a fifth of the start
of each dispatcher and web process, and most installations have no app.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q, QuerySet

from notifications.channels.base import DeviceChannel
from notifications.channels.fcm import facts
from notifications.channels.fcm.accounts import identity
from notifications.channels.fcm.registration import REGISTRATION
from notifications.models import Delivery
from notifications.types import PushAddress, PushMessage

if TYPE_CHECKING:
    from notifications.channels.fcm.sending import Sender


THROUGH = {"ios": "/apns", "web": "/webpush"}
"""Services behind Firebase that can refuse the project's key: only their devices are paused then."""


class Fcm:
    channel = facts.FACTS.name
    without_address = facts.NO_APP()

    def __init__(self) -> None:
        self._sender: Sender | None = None

    def is_set_up(self) -> bool:
        return bool(settings.FIREBASE_CREDENTIALS)

    def service_of(self, address: PushAddress) -> str:
        return address.sender + THROUGH.get(address.platform, "")

    async def send(self, address: PushAddress, message: PushMessage) -> None:
        if self._sender is None:
            # In a thread: other messages are sent meanwhile.
            sending = await asyncio.to_thread(import_module, "notifications.channels.fcm.sending")
            self._sender = self._sender or sending.Sender()
        await self._sender.send(address, message)

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()


def at(service: str) -> Q:
    return Q(sender=_project(service))


def elsewhere(rows: QuerySet[Delivery], services: Collection[str], besides: Q) -> QuerySet[Delivery]:
    return rows.filter(besides | ~Q(device__sender__in=set(map(_project, services))))


def _project(service: str) -> str:
    """Return the service's project, without its platform's suffix (THROUGH)."""
    return service.partition("/")[0]


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    """Import the checks only when they run: they import the transport."""
    yield from import_module("notifications.channels.fcm.checks").diagnose(say)


CHANNEL = DeviceChannel(
    facts=facts.FACTS,
    transport=Fcm(),
    registration=REGISTRATION,
    at=at,
    elsewhere=elsewhere,
    diagnose=diagnose,
    identity=identity,
)
