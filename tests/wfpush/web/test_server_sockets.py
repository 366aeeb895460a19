"""WebSockets of `manage.py web` on the wire: small frames, and strangers who send odd ones."""

from contextlib import suppress

import aiohttp
import pytest

from tests.support.wire import Wire, head, server_at

pytestmark = pytest.mark.processes

SOCKET = (
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Connection: Upgrade",
    "Upgrade: websocket",
)


NO_MASK = b"\0\0\0\0"


def handshake(*lines: str) -> bytes:
    return head(*SOCKET, *lines, path="/ws/inbox").replace(b"POST", b"GET")


@pytest.mark.ci
@pytest.mark.parametrize(
    ("handshake_bytes", "status"),
    [(handshake("Sec-WebSocket-Key: B"), 400), (handshake().replace(b"GET", b"POST"), 405)],
)
def test_a_socket_that_cannot_be_opened_is_answered(handshake_bytes: bytes, status: int, port: int) -> None:
    wire = Wire(port).send(handshake_bytes)
    assert wire.answer()[0] == status
    assert wire.is_closed_by_the_server()


def test_a_socket_has_no_context_of_a_request_before_it(port: int) -> None:
    """Reading was stopped and begun again by that request, which gives what is read then its context."""
    size = 64 * 1024
    wire = Wire(port).send(head(f"Content-Length: {size}") + b"x" * size)
    assert wire.answer() == (200, str(size).encode())
    wire.send(handshake())
    assert wire.socket.recv(12) == b"HTTP/1.1 101"


def test_a_socket_may_be_silent(impatient: int) -> None:
    """It is pinged instead."""
    wire = opened(impatient)
    assert Wire(impatient).is_closed_by_the_server()
    wire.send(b"\x81\x85" + NO_MASK + b"hello")
    assert wire.socket.recv(3) == b"\x81\x015"


def opened(port: int) -> Wire:
    wire = Wire(port).send(handshake())
    assert b"HTTP/1.1 101" in wire.socket.recv(1000)
    return wire


def test_text_that_is_none_closes_its_socket(port: int) -> None:
    wire = opened(port).send(b"\x81\x82" + NO_MASK + b"\xff\xff")
    frame = wire.socket.recv(200)
    assert (frame[0], frame[2:4]) == (0x88, b"\x03\xef"), "1007"
    assert wire.is_closed_by_the_server()


def test_what_is_sent_to_a_socket_that_is_gone_is_dropped_without_a_word(port: int) -> None:
    server, wire = server_at(port), opened(port)
    server.suspend()
    wire.send(b"\x81\xa8" + NO_MASK + b"," * 40).drop()
    server.resume()
    assert Wire(port).send(head("Content-Length: 2") + b"ok").answer() == (200, b"2")


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
