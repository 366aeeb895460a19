"""A web process that is told to stop ends what it began: a rolling restart costs nobody a request."""

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

from tests.support.announcements import Announcements
from tests.support.processes import free_ports
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[3]
SERVER = """
import asyncio, sys
from pathlib import Path
from wfpush.web.server import serve

async def application(scope, receive, send):
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        for _ in range(1000 if scope["path"] == "/much" else 0):
            await send({"type": "websocket.send", "text": "x" * 60_000})
        await receive()
        return
    Path(sys.argv[2]).touch()
    while scope["path"] == "/until-told" and not Path(sys.argv[3]).exists():
        await asyncio.sleep(0.01)
    while scope["path"] == "/never":
        await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

serve(application, "127.0.0.1", int(sys.argv[1]), grace=float(sys.argv[4]))
"""
REQUEST = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


class Served:
    """A server of ours, a request that has begun, and when that may end."""

    def __init__(self, folder: Path, grace: float = 30, before: str = "") -> None:
        self.port = free_ports(1)
        self._stopped = False
        self.begun, self.told = folder / "begun", folder / "told"
        arguments = [str(self.port), str(self.begun), str(self.told), str(grace)]
        with Announcements() as announced:
            environment = os.environ | {"PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": announced.address}
            self.process = subprocess.Popen([sys.executable, "-c", before + SERVER, *arguments], env=environment)
            assert announced.next() == "READY=1"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(self, path: str) -> socket.socket:
        wire = self.connect()
        wire.sendall(REQUEST % path.encode())
        eventually(self.begun.exists, "the application has the request")
        return wire

    def stop(self) -> None:
        """Once: a process that just ends by itself has no handler for the signal any more."""
        if not self._stopped:
            self._stopped = True
            self.process.send_signal(signal.SIGTERM)

    def refuses(self) -> bool:
        with suppress(ConnectionRefusedError), self.connect():
            return False
        return True


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.told.touch()
    served.stop()
    assert served.process.wait(30) == 0


def read_all(wire: socket.socket) -> bytes:
    received = b""
    while piece := wire.recv(65536):
        received += piece
    return received


def test_a_request_that_has_begun_is_answered_and_no_other_follows_on_its_connection(served: Served) -> None:
    wire = served.ask("/until-told")
    served.stop()
    eventually(served.refuses, "nobody else is let in")
    served.told.touch()

    answer = read_all(wire)

    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert b"connection: close" in answer.lower()
    assert served.process.wait(30) == 0


@pytest.mark.long
def test_who_was_let_in_but_not_heard_yet_is_answered(served: Served) -> None:
    os.kill(served.process.pid, signal.SIGSTOP)  # so that connections queue up in the kernel
    wires = [served.connect() for _ in range(5)]
    for wire in wires:
        wire.sendall(REQUEST % b"/")
    served.stop()
    os.kill(served.process.pid, signal.SIGCONT)

    assert [read_all(wire)[:12] for wire in wires] == [b"HTTP/1.1 200"] * 5


SLOW_TO_RUN = """
import time
from wfpush.web.server import Server
listen_success = Server.listen_success
Server.listen_success = lambda self, port: (listen_success(self, port), time.sleep(0.5))[0]
"""


def test_it_takes_signals_once_it_has_said_that_it_is_ready(tmp_path: Path) -> None:
    served = Served(tmp_path, before=SLOW_TO_RUN)
    status = Path(f"/proc/{served.process.pid}/status").read_text(encoding="ascii")
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    assert int(caught, 16) & 1 << (signal.SIGTERM - 1)
    served.stop()
    assert served.process.wait(30) == 0


@pytest.mark.long
def test_a_connection_that_says_nothing_holds_nobody_up(served: Served) -> None:
    with served.connect():
        served.stop()
        assert served.process.wait(10) == 0


def test_what_never_ends_is_left_after_the_grace(tmp_path: Path) -> None:
    served = Served(tmp_path, grace=0.5)
    with served.ask("/never") as wire:
        served.stop()
        assert served.process.wait(20) == 0
        with suppress(ConnectionResetError):
            assert read_all(wire) == b""


@pytest.mark.long
async def test_open_sockets_are_told_of_the_restart(served: Served) -> None:
    async with aiohttp.ClientSession() as client, client.ws_connect(f"http://127.0.0.1:{served.port}/ws/inbox") as ws:
        served.stop()
        assert (await ws.receive(timeout=30)).type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1012


HANDSHAKE = b"""GET /much HTTP/1.1\r
Host: x\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"""
CLOSED = b"\x88\x80\0\0\0\0"


@pytest.mark.long
def test_a_socket_that_is_being_closed_while_it_takes_nothing_holds_nobody_up(served: Served) -> None:
    running = served.ask("/until-told")
    with served.connect() as wire:
        wire.sendall(HANDSHAKE)
        assert wire.recv(12) == b"HTTP/1.1 101"  # as much as goes into the connection has been sent by then
        wire.sendall(CLOSED)
        served.stop()
        eventually(served.refuses, "nobody else is let in")
        served.told.touch()
        assert read_all(running).startswith(b"HTTP/1.1 200")
        assert served.process.wait(10) == 0
