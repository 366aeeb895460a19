"""`manage.py web` on the wire: daphne with a body limit and small frames."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.support.processes import free_ports
from tests.support.waiting import eventually
from wfpush.web.bodylimit import BODY_LIMIT

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[3]
SERVER = """
import sys
from wfpush.web.server import serve

async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["text"] == "restart":
                await send({"type": "websocket.close", "code": 1012})
                return
            await send({"type": "websocket.send", "text": str(len(message["text"]))})
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message.get("more_body")
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})

serve(application, "127.0.0.1", int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of ours whose application says how many bytes it was given."""
    port = free_ports(1)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)], env=os.environ | {"PYTHONPATH": str(ROOT)})

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        assert server.poll() is None
        return False

    eventually(listens, "the server listens")
    yield port
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0


class Wire:
    """A raw connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.received = b""

    def send(self, text: bytes) -> "Wire":
        self.socket.sendall(text)
        return self

    def answer(self) -> tuple[int, bytes]:
        """The next answer's status and body."""
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, _, rest = self.received.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        while len(rest) < length:
            before = len(self.received)
            self._more()
            rest += self.received[before:]
        self.received = rest[length:]
        return int(head.split(b" ")[1]), rest[:length]

    def _more(self) -> None:
        piece = self.socket.recv(65536)
        assert piece, "the connection was closed before the answer"
        self.received += piece

    def is_closed_by_the_server(self) -> bool:
        with suppress(ConnectionResetError):
            return self.socket.recv(1) == b""
        return True


def head(*lines: str, path: str = "/api/v1/events") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def test_a_form_with_too_many_files_gets_a_page(port: int) -> None:
    about = ("Content-Type: multipart/form-data; boundary=x", "Accept: text/html", f"Content-Length: {17 * 2**20}")
    status, body = Wire(port).send(head(*about)).answer()
    assert status == 413 and b"send fewer" in body


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/attachments?name=a.pdf", 200), ("/sign-in?next=/api/v1/attachments", 413)]
)
def test_files_go_to_where_files_are_sent(path: str, status: int, port: int) -> None:
    about = ("Content-Type: multipart/form-data; boundary=x", f"Content-Length: {2 * BODY_LIMIT}")
    wire = Wire(port).send(head(*about, path=path))
    if status == 200:
        wire.send(b"x" * 2 * BODY_LIMIT)
    assert wire.answer()[0] == status


@pytest.mark.parametrize("type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_of_which_only_the_name_is_one_reaches_the_application(type: str, port: int) -> None:
    """What it is, and what is wrong with it, is said by the application."""
    wire = Wire(port).send(head(f"Content-Type: {type}", "Content-Length: 4") + b"none")
    assert wire.answer() == (200, b"4")


def test_a_body_at_the_limit_reaches_the_application(port: int) -> None:
    wire = Wire(port).send(head(f"Content-Length: {BODY_LIMIT}") + b"x" * BODY_LIMIT)
    assert wire.answer() == (200, str(BODY_LIMIT).encode())


def test_a_5_mb_body_is_refused_from_its_head_and_the_client_can_read_why(port: int) -> None:
    wire = Wire(port).send(head("Content-Length: 5000000"))
    status, body = wire.answer()
    assert (status, json.loads(body)["code"]) == (413, "too_large")
    wire.send(b"x" * 5_000_000)
    assert wire.is_closed_by_the_server()


def test_a_client_that_asks_before_sending_is_not_told_to_go_on(port: int) -> None:
    wire = Wire(port).send(head("Content-Length: 5000000", "Expect: 100-continue"))
    assert wire.answer()[0] == 413
    assert wire.received == b""


def test_an_endless_chunked_body_is_cut(port: int) -> None:
    wire = Wire(port).send(head("Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with suppress(OSError):  # the server hangs up before the bound is reached
        while sent < 200 * 1024 * 1024:
            wire.send(chunk)
            sent += 65536
    assert BODY_LIMIT < sent < 100 * 1024 * 1024


def test_a_chunked_body_over_the_limit_gets_its_answer(port: int) -> None:
    wire = Wire(port).send(head("Transfer-Encoding: chunked"))
    for _ in range(20):
        wire.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert wire.answer()[0] == 413


def test_a_batch_of_events_may_have_5_mb(port: int) -> None:
    kind = "Content-Type: application/cloudevents-batch+json"
    wire = Wire(port).send(head("Content-Length: 5000000", kind) + b"x" * 5_000_000)
    assert wire.answer() == (200, b"5000000")


def test_one_connection_carries_many_requests(port: int) -> None:
    wire = Wire(port)
    for size in (3, 0, 70_000):
        wire.send(head(f"Content-Length: {size}") + b"x" * size)
        assert wire.answer() == (200, str(size).encode())


async def test_frames_are_small_and_uncompressed(port: int) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"http://127.0.0.1:{port}/ws/inbox", compress=15) as ws,
    ):
        assert ws.compress == 0
        await ws.send_str("x" * 60_000)
        assert await ws.receive_str(timeout=10) == "60000"
        with suppress(ConnectionError):  # closed before all of it was sent
            await ws.send_str("x" * 2_000_000)
        over = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert (await ws.receive(timeout=10)).type in over


async def test_a_socket_that_is_closed_for_a_restart_says_so(port: int) -> None:
    async with aiohttp.ClientSession() as client, client.ws_connect(f"http://127.0.0.1:{port}/ws/inbox") as ws:
        await ws.send_str("restart")
        assert (await ws.receive(timeout=60)).type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1012
