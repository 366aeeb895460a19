"""Counts requests of this process and their times, by the template of their route, and handshakes of WebSockets.

Labels never hold a caller's data: no path, no id, no method of their own making. A request's time is that of this
process: from the end of its body to the beginning of the answer, so slow clients count for nothing. Clients that leave
before the answer are not counted; an exception without an answer is a 500, as the server answers it.
"""

import time
from collections.abc import MutableMapping
from http import HTTPMethod
from typing import Any

from prometheus_client import Counter, Histogram, disable_created_metrics

from wfpush.web.bodylimit import Application, Message, Receive, Send
from wfpush.web.handler import ROUTE

disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types

REQUESTS = Counter("wfpush_http_requests", "Requests that were answered.", ["route", "method", "status"], registry=None)
SECONDS = Histogram(
    "wfpush_http_request_seconds",
    "From having a request to the beginning of its answer.",
    ["route"],
    registry=None,
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, float("inf")),
)
HANDSHAKES = Counter(
    "wfpush_socket_handshakes", "WebSockets that were asked for, by what came of it.", ["outcome"], registry=None
)
COLLECTORS = (REQUESTS, SECONDS, HANDSHAKES)

NO_ROUTE = "none"
"""The route of requests that match none, or were refused before the routing."""
OTHER_METHOD = "other"


class CountedRequests:
    """An ASGI wrapper that counts requests and handshakes. It is the outermost one."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        counted = self._request if scope["type"] == "http" else self._socket
        await counted(scope, receive, send)

    async def _request(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        began, is_answered = time.perf_counter(), False

        async def heard() -> Message:
            nonlocal began
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                began = time.perf_counter()
            return message

        async def answered(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                _count(scope, message["status"], time.perf_counter() - began)
            await send(message)

        try:
            await self.application(scope, heard, answered)
        except Exception:
            if not is_answered:
                _count(scope, 500, time.perf_counter() - began)
            raise

    async def _socket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        is_new = True

        async def answered(message: Message) -> None:
            nonlocal is_new
            if is_new:
                is_new = False
                HANDSHAKES.labels("accepted" if message["type"] == "websocket.accept" else "refused").inc()
            await send(message)

        await self.application(scope, receive, answered)


def _count(scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
    route = scope.get(ROUTE, NO_ROUTE)
    method = scope["method"] if scope["method"] in HTTPMethod.__members__ else OTHER_METHOD
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)
