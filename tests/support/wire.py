"""Raw connections to a server of ours whose application says how many bytes it was given."""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from tests.support.processes import free_ports
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import asyncio, sys
from contextvars import ContextVar
import django
from django.conf import settings

settings.configure(LANGUAGES=[("en", "English"), ("de", "Deutsch")], LOCALE_PATHS=["locale"])
django.setup()

from wfpush.web.bodylimit import BodyLimit
from wfpush.web.server import serve

log_context = ContextVar("log_context", default="")

async def application(scope, receive, send):
    assert log_context.get() == ""
    log_context.set("of a request")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["text"] == "restart":
                await send({"type": "websocket.close", "code": 1012})
                return
            for _ in range(message["text"].count(",") + 1):
                await send({"type": "websocket.send", "text": str(len(message["text"]))})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message.get("more_body")
    body = b" ".join(sorted(name for name, _ in scope["headers"])) if scope["path"] == "/names" else str(size).encode()
    pieces = [bytes(65536)] * 300 if scope["path"] == "/large" else [body]
    length = b"%d" % sum(map(len, pieces))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)  # as our own views do, whose pieces come from threads
    await send({"type": "http.response.body", "body": b""})

async def admits(path, headers):
    return (b"authorization", b"Bearer known") in headers

serve(BodyLimit(application, admits), "127.0.0.1", int(sys.argv[1]))
"""


IMPATIENT = SERVER.replace("\nserve(", "\nfrom wfpush.web import server\nserver.KEEP_ALIVE_SECONDS = 0.5\nserve(")
"""It waits for half a second."""


def served(program: str) -> Iterator[int]:
    """Whatever clients do, the server says nothing of it."""
    port = free_ports(1)
    with TemporaryFile() as said:
        server = subprocess.Popen(
            [sys.executable, "-c", program, str(port)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=said,
        )
        yield from _running(server, port)
        said.seek(0)
        assert said.read().decode() == ""


def _running(server: "subprocess.Popen[bytes]", port: int) -> Iterator[int]:
    def has_begun() -> bool:
        assert server.poll() is None
        return answers(port)

    eventually(has_begun, "the server answers")
    yield port
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0


def answers(port: int) -> bool:
    """Return whether the server's loop runs. It listens earlier than it handles SIGTERM."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"no HTTP\r\n\r\n")
        return bool(connection.recv(1))
    return False


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
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
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

    def drop(self) -> None:
        """Reset it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def is_closed_by_the_server(self) -> bool:
        with suppress(ConnectionResetError):
            return self.socket.recv(1) == b""
        return True


def has_ipv6() -> bool:
    """Whether this machine has an address of it: containers often have none."""
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def server_at(port: int) -> psutil.Process:
    [server] = [each for each in psutil.Process().children(recursive=True) if _words_of(each)[-1:] == [str(port)]]
    return server


def _words_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has ended, as children of other tests do all the time
        return []


def head(*lines: str, path: str = "/api/v1/events") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()
