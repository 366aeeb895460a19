"""Apps, through Firebase Cloud Messaging.

What sends is loaded with the first message: firebase-admin and all that it takes along would be a fifth of the start of
each dispatcher and web process, and most installations have no app.
"""

import asyncio
from importlib import import_module
from typing import Protocol

from django.conf import settings

from notifications.channels.fcm import facts
from notifications.types import PushAddress, PushMessage

SENDING = "notifications.channels.fcm.sending"

THROUGH = {"ios": "/apns", "web": "/webpush"}
"""Services behind Firebase that can refuse the project's key: only their devices are paused then."""


class Sender(Protocol):
    async def send(self, address: PushAddress, message: PushMessage) -> None: ...

    async def close(self) -> None: ...


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
            sending = await asyncio.to_thread(import_module, SENDING)  # others are sent to meanwhile
            self._sender = self._sender or sending.Sender()
        await self._sender.send(address, message)

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()
