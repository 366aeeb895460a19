"""The ASGI application: Django for HTTP, Channels for `/ws/`."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import CookieMiddleware
from django.urls import path, re_path

from wfpush.web import handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
http = handler.application()  # first: it fills the app registry that the consumer's models need

from notifications.inbox.consumers import InboxConsumer  # noqa: E402
from wfpush.web.bodylimit import BodyLimit  # noqa: E402
from wfpush.web.nul import NulFreeSockets  # noqa: E402


async def nothing_here(scope: Any, receive: Any, send: Any) -> None:
    """Close a WebSocket at any other address before it is accepted, which is HTTP's 403."""
    await send({"type": "websocket.close"})


sockets = URLRouter([path("ws/inbox", InboxConsumer.as_asgi()), re_path("", nothing_here)])  # type: ignore[arg-type,list-item]

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(http),
        "websocket": CookieMiddleware(NulFreeSockets(sockets)),
    }
)
