"""Requests are served by a fixed number of threads, each with a database connection that it keeps and mends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from wfpush.web.async_responses import AwaitedResponse, BrokenOff
from wfpush.web.bodylimit import BODY_LIMIT
from wfpush.web.handler import ThreadedHandler, drop_dead_connection

Json = dict[str, Any]
THREADS = 2
closed: list[str] = []


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.method.encode() + b" " + request.body)


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of ours")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    response = StreamingHttpResponse(iter([b"one ", b"two"]))
    response._resource_closers.append(lambda: closed.append("stream"))  # type: ignore[attr-defined]
    return response


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


def awaited(request: HttpRequest) -> AwaitedResponse:
    async def begin(response: AwaitedResponse, stack: AsyncExitStack) -> AsyncIterator[bytes]:
        stack.push_async_callback(close)
        response.status_code = 418
        return pieces()

    async def close() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        closed.append("awaited")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        if "broken" in request.GET:
            raise BrokenOff
        yield b"two"

    return AwaitedResponse(begin)


def pid(request: HttpRequest) -> HttpResponse:
    """Of the database's process that serves this thread."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return HttpResponse(str(cursor.fetchone()[0]))


def stream_pids(request: HttpRequest) -> StreamingHttpResponse:
    """Of the database's process before each piece; it ends between them."""
    return StreamingHttpResponse(_pids())


def _pids() -> Iterator[bytes]:
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        end_backend(pid)
        yield f"{pid} ".encode()


def end_backend(pid: int) -> None:
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


urlpatterns = [
    path("pids", stream_pids),
    path("pid", pid),
    path("echo", echo),
    path("fail", fail),
    path("stream", stream),
    path("file", file),
    path("awaited", awaited),
]


@pytest.fixture
def handler() -> Iterator[ThreadedHandler]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        handler = ThreadedHandler(THREADS)
        yield handler
        handler._pool.shutdown()


def serve(
    handler: ThreadedHandler, where: str, *chunks: bytes, type: str = "http", method: str = "POST"
) -> tuple[int, bytes]:
    """Status and body of the answer to a request whose body comes in these chunks."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Json] = []

    answered = asyncio.Event()

    async def receive() -> Json:
        if not messages:
            await answered.wait()
            return {"type": "http.disconnect"}
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    path, _, query = where.partition("?")
    scope: Json = {"type": type, "method": method, "path": path, "query_string": query.encode(), "headers": []}
    asyncio.run(handler(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_a_request_is_read_and_answered(handler: ThreadedHandler) -> None:
    assert serve(handler, "/echo", b"a", b"b") == (200, b"POST ab")


def test_streams_and_files_are_sent_to_their_end_and_closed(handler: ThreadedHandler) -> None:
    closed.clear()

    assert serve(handler, "/stream") == (200, b"one two")
    assert closed == ["stream"]
    assert __doc__.encode() in serve(handler, "/file")[1]


def test_what_is_awaited_says_itself_how_it_is_answered(handler: ThreadedHandler) -> None:
    closed.clear()

    assert serve(handler, "/awaited") == (418, b"one two")
    assert serve(handler, "/awaited?broken") == (418, b"one ")
    assert serve(handler, "/awaited", method="HEAD") == (418, b"")
    assert closed == ["awaited"] * 3


def test_a_fault_of_ours_is_an_answer_too(handler: ThreadedHandler) -> None:
    handler_status, body = serve(handler, "/fail")

    assert handler_status == 500
    assert b"a fault of ours" not in body


def test_only_http_is_served(handler: ThreadedHandler) -> None:
    with pytest.raises(ValueError, match="websocket"):
        serve(handler, "/echo", type="websocket")


def test_a_client_that_leaves_before_its_body_is_there_is_not_answered(handler: ThreadedHandler) -> None:
    async def receive() -> Json:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("nobody listens")

    asyncio.run(handler({"type": "http", "method": "POST", "path": "/echo"}, receive, send))


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_ended_is_replaced_before_it_is_used() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    drop_dead_connection()
    assert connection.connection is not None

    end_backend(pid)
    drop_dead_connection()

    assert connection.connection is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != pid


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_has_ended_is_replaced_between_two_pieces_of_a_stream(handler: ThreadedHandler) -> None:
    status, body = serve(handler, "/pids")

    assert status == 200
    assert len(set(body.split())) == 2


@pytest.mark.django_db(transaction=True)
def test_a_thread_keeps_its_connection_between_requests(handler: ThreadedHandler) -> None:
    pids = {serve(handler, "/pid")[1] for _ in range(6)}

    assert 1 <= len(pids) <= THREADS


def test_a_body_that_never_said_how_long_it_is_is_cut_by_the_api_too() -> None:
    with override_settings(ALLOWED_HOSTS=["*"]):
        handler = ThreadedHandler(1)
        status, body = serve(handler, "/api/v1/responses", *[b" " * (BODY_LIMIT // 4)] * 5)
        handler._pool.shutdown()

    assert status == 413
    assert b"too_large" in body
