"""`manage.py web` on the wire: bounded heads and bodies, and small frames."""

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
from wfpush.net.ports import PortTaken
from wfpush.web.bodylimit import BODY_LIMIT
from wfpush.web.server import HEAD_LIMIT, listening

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[3]
SERVER = """
import sys
import django
from django.conf import settings

settings.configure(LANGUAGES=[("en", "English"), ("de", "Deutsch")], LOCALE_PATHS=["locale"])
django.setup()

from wfpush.web.bodylimit import BodyLimit
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

async def admits(path, headers):
    return (b"authorization", b"Bearer known") in headers

serve(BodyLimit(application, admits), "127.0.0.1", int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of ours whose application says how many bytes it was given."""
    yield from served(SERVER)


@pytest.fixture(scope="module")
def impatient() -> Iterator[int]:
    """One that waits for half a second."""
    setting = "from wfpush.web import server\nserver.KEEP_ALIVE_SECONDS = 0.5"
    yield from served(SERVER.replace("\nserve(", f"\n{setting}\nserve("))


def served(program: str) -> Iterator[int]:
    port = free_ports(1)
    server = subprocess.Popen(
        [sys.executable, "-c", program, str(port)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )

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
    assert status == 413 and b"send less" in body and "senden Sie weniger" in body.decode()


FORM, KNOWN = "Content-Type: multipart/form-data; boundary=x", "Authorization: Bearer known"


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/attachments?name=a.pdf", 200), ("/sign-in?next=/api/v1/attachments", 413)]
)
def test_files_go_to_where_files_are_sent(path: str, status: int, port: int) -> None:
    wire = Wire(port).send(head(FORM, KNOWN, f"Content-Length: {2 * BODY_LIMIT}", path=path))
    if status == 200:
        wire.send(b"x" * 2 * BODY_LIMIT)
    assert wire.answer()[0] == status


@pytest.mark.ci
@pytest.mark.parametrize("length", [f"Content-Length: {2 * BODY_LIMIT}", "Transfer-Encoding: chunked"])
def test_large_files_of_strangers_are_refused_before_they_are_sent(length: str, port: int) -> None:
    wire = Wire(port).send(head(FORM, length, path="/api/v1/attachments"))
    status, body = wire.answer()
    assert (status, json.loads(body)["code"]) == (401, "unauthenticated")
    assert wire.is_closed_by_the_server()


@pytest.mark.ci
def test_a_form_with_large_files_gets_a_page_when_nobody_is_signed_in(port: int) -> None:
    about = (FORM, "Accept: text/html", f"Content-Length: {2 * BODY_LIMIT}")
    status, body = Wire(port).send(head(*about, path="/a/token")).answer()
    assert status == 401 and b"load the page again" in body and "Laden Sie".lower() in body.decode().lower()


def test_files_in_chunks_are_read_of_those_who_are_known(port: int) -> None:
    wire = Wire(port).send(head(FORM, KNOWN, "Transfer-Encoding: chunked", path="/api/v1/attachments"))
    for _ in range(3):
        wire.send(b"%x\r\n" % BODY_LIMIT + b"x" * BODY_LIMIT + b"\r\n")
    wire.send(b"0\r\n\r\n")
    assert wire.answer() == (200, str(3 * BODY_LIMIT).encode())


def test_what_comes_whole_with_its_head_is_answered_once(port: int) -> None:
    """A body in chunks may have ended before it is known who sends it: the application answers, or nobody is read."""
    wire = Wire(port).send(head(FORM, KNOWN, "Transfer-Encoding: chunked", path="/a/x") + b"4\r\nnone\r\n0\r\n\r\n")
    assert wire.answer() == (200, b"4")
    assert wire.send(head("Content-Length: 2") + b"me").answer() == (200, b"2")


def test_small_forms_of_strangers_reach_the_application(port: int) -> None:
    wire = Wire(port).send(head(FORM, "Content-Length: 4", path="/a/token") + b"none")
    assert wire.answer() == (200, b"4")


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


def test_a_head_without_an_end_is_cut(port: int) -> None:
    wire = Wire(port).send(head()[:-2])
    sent = 0
    with suppress(OSError):  # the server hangs up before the bound is reached
        while sent < 100 * 2**20:
            wire.send(b"X-More: " + b"x" * 65536)
            sent += 65536
    assert HEAD_LIMIT <= sent < 10 * 2**20, "but for what is on its way"


def test_who_sends_too_long_a_head_is_told_so(port: int) -> None:
    wire = Wire(port).send(b"GET /" + b"x" * (HEAD_LIMIT // 2))
    wire.send(b"x" * HEAD_LIMIT)
    assert wire.answer()[0] == 431
    assert wire.is_closed_by_the_server()


BEGUN = {
    "nothing": b"",
    "half a line": b"POST / HT",
    "half a head": head()[:-2],
    "half a body": head("Content-Length: 4") + b"no",
    "a request": head("Content-Length: 2") + b"ok",
}


@pytest.mark.parametrize("sent", BEGUN)
def test_a_connection_that_falls_silent_is_closed(sent: str, impatient: int) -> None:
    wire = Wire(impatient).send(BEGUN[sent])
    if sent == "a request":
        assert wire.answer() == (200, b"2")
    assert wire.is_closed_by_the_server()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_do_not_wait_for_the_clients_receipt(host: str) -> None:
    with listening(host, 0) as ours:
        with socket.create_connection(ours.getsockname()[:2], timeout=10), ours.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with pytest.raises(PortTaken):
            listening(host, ours.getsockname()[1])


def test_what_is_no_http_is_refused(port: int) -> None:
    wire = Wire(port).send(b"\x16\x03\x01 TLS?\r\n\r\n")
    assert wire.answer()[0] == 400
    assert wire.is_closed_by_the_server()


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


@pytest.mark.ci
async def test_a_socket_that_is_closed_for_a_restart_says_so(port: int) -> None:
    async with aiohttp.ClientSession() as client, client.ws_connect(f"http://127.0.0.1:{port}/ws/inbox") as ws:
        await ws.send_str("restart")
        assert (await ws.receive(timeout=60)).type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1012
