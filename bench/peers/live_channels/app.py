"""`daphne bench.peers.live_channels.app:application`"""

import json
from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

django.setup()


def group_of(user: int) -> str:
    return f"user.{user}"


class Inbox(AsyncWebsocketConsumer):
    """Believes whoever says who they are, and numbers what it sends."""

    seq = 0

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        user = json.loads(text_data or "{}")["user"]
        await self.channel_layer.group_add(group_of(user), self.channel_name)
        await self.send(text_data=json.dumps({"type": "synced", "seq": self.seq}))

    async def inbox_changed(self, message: dict[str, Any]) -> None:
        frame = {"type": "notification", "prev": self.seq, "seq": self.seq + 1, "notification": message["notification"]}
        await self.send(text_data=json.dumps(frame))
        self.seq += 1


consumer: Any = Inbox.as_asgi()
routes: Any = [path("ws/inbox", consumer)]
application = ProtocolTypeRouter({"websocket": URLRouter(routes)})
