"""Handles Django's requests in a fixed pool of threads, each with a database connection that it keeps.

Django's own ASGI handler starts a thread for every request, which opens a database connection of its own, and changes
threads for every middleware. All our views are synchronous: one hop into a waiting thread and one back are enough.
Measured with an empty view on daphne, one core: 3,300 requests a second instead of 930.
"""

import asyncio
import os
import select
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django import setup
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from psycopg import OperationalError

from wfpush.postgres.silence import limit_waits, silence
from wfpush.processes.garbage import tune_garbage_collection
from wfpush.web.async_responses import AwaitedResponse, BrokenOff

ROUTE = "wfpush.route"
"""The member of the ASGI scope with the template of the request's route, such as `api/v1/tasks/<str:task_id>`; missing
for a request that matches none."""
STATIC = "static"
"""The route of our static files in that member."""

Answer = TypeVar("Answer")
Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ThreadedHandler(ASGIHandler):
    """Serves HTTP. Django's guarantees per request hold: order of connections, closed responses.

    One thing differs: when a client goes away, its request still runs to its end, as under WSGI.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="requests", initializer=skip_health_checks)
        self._respond = sync_to_async(self.respond, thread_sensitive=False, executor=self._pool)
        self._next = sync_to_async(_next, thread_sensitive=False, executor=self._pool)
        self._ask = sync_to_async(_call, thread_sensitive=False, executor=self._pool)
        self._close = sync_to_async(self.close, thread_sensitive=False, executor=self._pool)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            response = await self._respond(scope, body)
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size
            if isinstance(response, StreamingHttpResponse) and not response.is_async:
                response.streaming_content = self._chunks(cast(Iterable[bytes], response.streaming_content))
            try:
                if isinstance(response, AwaitedResponse):
                    answering = self._send_awaited(response, send, is_head=scope["method"] == "HEAD")
                    await _answer_client(receive, response, answering)
                else:
                    await self.send_response(response, send)
            finally:
                if response.streaming:
                    await self._close(response)
        finally:
            body.close()

    async def _send_awaited(self, response: AwaitedResponse, send: Send, *, is_head: bool) -> None:
        with suppress(BrokenOff):
            async with AsyncExitStack() as stack:
                content = await response.begin(response, stack)
                response.streaming_content = _nothing() if is_head else content
                await self.send_response(response, send)
                response.is_sent = True

    def respond(self, scope: Scope, body: Any) -> HttpResponseBase:
        """Handle the whole request in one thread. Only streaming responses stay open."""
        close_old_connections()
        drop_dead_connection()
        set_script_prefix(get_script_prefix(scope))
        request, refused = self.create_request(scope, body)
        response: HttpResponseBase | None = refused
        if request is not None:
            if "CONTENT_LENGTH" not in request.META:
                # A chunked body is read completely by now; without its length, parsers would take it for an empty one.
                request.META["CONTENT_LENGTH"] = str(body.seek(0, os.SEEK_END))
                body.seek(0)
            response = self.get_response(request)
            if route := _route_of(request):
                scope[ROUTE] = route
        assert response is not None  # create_request returns one of the two
        response._handler_class = type(self)  # type: ignore[attr-defined]  # Django tells its listeners
        if not response.streaming:
            self.close(response)
        return response

    async def ask(self, question: Callable[..., Answer], *arguments: Any) -> Answer:
        """Call a short function in one of the threads, with its database connection."""
        return cast(Answer, await self._ask(question, *arguments))

    async def _chunks(self, content: Iterable[bytes]) -> AsyncIterator[bytes]:
        """Read a file or another slow content in the threads, chunk by chunk, and never whole into memory."""
        chunks = iter(content)
        while (chunk := await self._next(chunks)) is not None:
            yield chunk

    def close(self, response: HttpResponseBase) -> None:
        """Tell Django that the request is over (`request_finished`): connections are returned or checked."""
        response.close()


def _route_of(request: HttpRequest) -> str:
    if request.resolver_match is not None:
        return str(request.resolver_match.route)
    return STATIC if request.path_info.startswith(settings.STATIC_URL) else ""


async def _answer_client(receive: Receive, response: AwaitedResponse, answering: Coroutine[Any, Any, None]) -> None:
    """Send the answer, and stop when the client is gone. Servers also report that when all is sent."""
    task, gone = asyncio.create_task(answering), asyncio.create_task(_wait_for_disconnect(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if response.is_sent:
            await asyncio.wait((task,))
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
    if not task.cancelled():
        task.result()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""  # this makes the function a generator


def _call(question: Callable[..., Any], *arguments: Any) -> Any:
    close_old_connections()
    drop_dead_connection()
    return question(*arguments)


def _next(chunks: Iterator[bytes]) -> bytes | None:
    drop_dead_connection()
    return next(chunks, None)


def skip_health_checks() -> None:
    """Switch Django's health checks off in each new thread of the pool. It keeps its database connection between
    requests, and checks its socket instead (`drop_dead_connection`)."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    wrapper.settings_dict = wrapper.settings_dict | {"CONN_HEALTH_CHECKS": False}


def drop_dead_connection() -> None:
    """Close this thread's database connection if the server has ended it or fallen silent. The request then opens
    another.

    A server that ends a connection sends a message, and no other data can be in the socket between two requests.
    Reading the socket costs microseconds; Django's own check (CONN_HEALTH_CHECKS) makes a query before every request.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    if wrapper.connection is None or wrapper.in_atomic_block:
        return
    if silence:
        wrapper.close()
        return
    poll = select.poll()
    try:
        poll.register(wrapper.connection.fileno(), select.POLLIN)
    except OperationalError:  # closed on our side already
        wrapper.close()
    else:
        if poll.poll(0):
            wrapper.close()


def application(threads: int | None = None) -> ThreadedHandler:
    """Set up Django and serve it with as many threads as there may be database connections."""
    setup(set_prefix=False)
    limit_waits()
    tune_garbage_collection()
    return ThreadedHandler(threads or settings.DATABASE_POOL)
