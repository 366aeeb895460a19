"""Responses that wait for another server: on the event loop, and without a thread of the web process."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AsyncExitStack

from django.http import StreamingHttpResponse

Begin = Callable[["AwaitedResponse", AsyncExitStack], Awaitable[AsyncIterable[bytes]]]
"""Sets status and headers of the response, and returns its content. Objects to close after the response, or when its
client is gone, go onto the stack."""


class BrokenOff(Exception):
    """Raised if the content ends too early. The connection is closed, so that its client notices."""


class AwaitedResponse(StreamingHttpResponse):
    """A response that a view returns at once. `begin` is awaited when the request has left its thread; before that,
    middleware sees the status 200."""

    def __init__(self, begin: Begin) -> None:
        super().__init__()
        self.begin = begin
        self.is_sent = False
