"""The ASGI application: Django for HTTP, Channels for `/ws/`."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import CookieMiddleware
from django.urls import path

from wfpush import handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
http = handler.application()  # first: it fills the app registry that the consumer's models need

from notifications.consumers import InboxConsumer  # noqa: E402
from wfpush.bodylimit import BodyLimit  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(http),
        "websocket": CookieMiddleware(URLRouter([path("ws/inbox", InboxConsumer.as_asgi())])),  # type: ignore[arg-type,list-item]
    }
)
