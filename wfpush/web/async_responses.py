"""Responses that wait for somebody else's server: on the event loop, and without a thread of the web process."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AsyncExitStack

from django.http import StreamingHttpResponse

Begin = Callable[["AwaitedResponse", AsyncExitStack], Awaitable[AsyncIterable[bytes]]]
"""Sets status and headers of the response, and returns its content. What has to be closed when the response is over, or
its client gone, goes onto the stack."""


class BrokenOff(Exception):
    """The content ends before its end. The connection is closed, so that its client does not take it for the whole."""


class AwaitedResponse(StreamingHttpResponse):
    """A view returns it at once; `begin` is awaited afterwards, when the request has left its thread. Middleware sees
    it before that, with the status 200."""

    def __init__(self, begin: Begin) -> None:
        super().__init__()
        self.begin = begin
        self.is_sent = False
