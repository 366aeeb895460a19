"""The ASGI application: Django for HTTP, Channels for `/ws/`."""

import os
from collections.abc import Iterable
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.urls import path, re_path
from django.utils.module_loading import import_string

from wfpush import features
from wfpush.web import handler
from wfpush.web.additions import FileSenders, Socket

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
http = handler.application()  # first: this fills the app registry that consumers need

from wfpush.observability.http_metrics import CountedRequests  # noqa: E402
from wfpush.web.bodylimit import BodyLimit, Header  # noqa: E402
from wfpush.web.middleware import NulFreeSockets  # noqa: E402


async def nothing_here(scope: Any, receive: Any, send: Any) -> None:
    """Close a WebSocket at any other address before it is accepted, which is HTTP's 403."""
    await send({"type": "websocket.close"})


senders = [import_string(each.may_send) for each in features.added(FileSenders)]


async def admits(path: str, headers: Iterable[Header]) -> bool:
    """Return whether the sender of this request may send files."""
    return any([await http.ask(may_send, path, headers) for may_send in senders])


sockets = URLRouter(
    [
        *(path(each.path, import_string(each.consumer).as_asgi()) for each in features.added(Socket)),
        re_path("", nothing_here),  # type: ignore[arg-type,list-item]
    ]
)

application = CountedRequests(
    ProtocolTypeRouter(
        {
            "http": BodyLimit(http, admits, proxies=settings.PROXY_COUNT),
            "websocket": CookieMiddleware(NulFreeSockets(sockets)),
        }
    )
)
