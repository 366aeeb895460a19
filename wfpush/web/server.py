"""The web process: uvicorn as a library, with bounds that it lacks, and a graceful stop."""

import asyncio
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from wfpush.net.ports import PortTaken, check_port
from wfpush.processes.systemd_notify import notify_systemd
from wfpush.web.bodylimit import Application

log = structlog.get_logger(__name__)

WEBSOCKET_FRAME_LIMIT = 64 * 1024
HEAD_LIMIT = 64 * 1024
"""Bytes of a request's head that are kept while its end has not come."""
KEEP_ALIVE_SECONDS = 75
"""How long a connection may be silent: longer than proxies keep theirs (nginx: 60), so that it is they who close it."""
GRACE_SECONDS = 20.0
"""Seconds that running requests may take when the process is told to stop."""
FIRST_REQUEST_SECONDS = 0.25
"""Seconds that a connection just accepted may take to send its request when the process stops."""
LOOK_SECONDS = 0.05
MOST_LOOKS = 1000
"""For waiting connections, of which others may come all the time."""
TOO_LONG_A_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class State(ServerState):
    """What all connections of the process know."""

    is_stopping = False


class Requests(HttpToolsProtocol):
    """One connection's requests. uvicorn keeps the head of a request however long it is, and waits for ever for the
    first request, and for the rest of one."""

    server_state: State
    _in_head = False
    _kept = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._wait_for_more()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        self._kept = self._kept + len(data) if self._in_head else 0
        if self._kept > HEAD_LIMIT:
            self.transport.write(TOO_LONG_A_HEAD)
            self.transport.close()
        elif self._in_head or (self._is_answering and self.cycle.more_body):
            self._wait_for_more()

    def _wait_for_more(self) -> None:
        self._unset_keepalive_if_required()
        wait = self.timeout_keep_alive
        self.timeout_keep_alive_task = self.loop.call_later(wait, self.timeout_keep_alive_handler)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        if self.server_state.is_stopping and self.cycle is not None:
            self.cycle.keep_alive = False

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_busy(self) -> bool:
        """Whether an answer is not given, or not sent, to its end."""
        return self._is_answering or self.transport.get_write_buffer_size() > 0


class Socket(WebSocketsSansIOProtocol):
    """Sends nothing more to whoever is gone or was told to close: the application hears of it by its next message."""

    async def send(self, message: Any) -> None:
        if self.close_sent:
            return
        try:
            await super().send(message)
        except ClientDisconnected:
            log.debug("socket_gone")


class Server(uvicorn.Server):
    """Told to stop, it accepts those who wait, answers running requests and whoever has just been accepted, and closes
    sockets for a restart (1012). uvicorn resets connections that it has not read from yet."""

    def __init__(self, config: uvicorn.Config, grace: float) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self._grace = grace

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """From here on, signals only ask to stop. uvicorn repeats them at the end, which kills the process."""
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        notify_systemd("READY=1")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify_systemd("STOPPING=1")
        self.server_state.is_stopping = True
        await _accept_all(sockets or [])
        for server in self.servers:
            server.close()
        for connection in self._open():
            if not isinstance(connection, Requests) or connection.is_busy:
                connection.shutdown()
        await self._drained()
        for connection in self._open():
            connection.transport.abort()
        await asyncio.sleep(0)  # what was aborted is told so

    async def _drained(self) -> None:
        """Returns when all are answered, or the grace is over."""
        waited = 0.0
        while waited < self._grace and (waited < FIRST_REQUEST_SECONDS or self._is_busy()):
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS

    def _is_busy(self) -> bool:
        return any(isinstance(each, Requests) and each.is_busy for each in self._open())

    def _open(self) -> list[Any]:
        return list(self.server_state.connections)


async def _accept_all(sockets: list[socket.socket]) -> None:
    """Let the loop accept waiting connections, since closing would reset those that the kernel has accepted."""
    for _ in range(MOST_LOOKS):
        if not select.select(sockets, [], [], 0)[0]:
            break
        await asyncio.sleep(0)


def serve(application: Application, host: str, port: int, *, grace: float = GRACE_SECONDS) -> None:
    """Serve until SIGTERM or SIGINT, then finish running requests for up to `grace` seconds. Raises PortTaken."""
    check_port(host, port, "--port")
    config = uvicorn.Config(
        _until_cancelled(application),
        http=Requests,
        ws=Socket,
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_max_size=WEBSOCKET_FRAME_LIMIT,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        reset_contextvars=True,
    )
    with listening(host, port) as listening_socket:
        Server(config, grace).run(sockets=[listening_socket])


def _until_cancelled(application: Application) -> Application:
    """What is left of the requests when the grace is over ends without a word."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except asyncio.CancelledError:
            log.warning("cut_off", type=scope["type"], path=scope["path"])

    return served


def listening(host: str, port: int) -> socket.socket:
    """A socket whose connections send at once what is written: head and body of an answer are two writes, and the
    second would wait for the client's receipt of the first, up to 40 ms. Raises PortTaken."""
    try:
        found = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as fault:
        raise PortTaken(f"Cannot listen on {host}:{port}: {fault}") from fault
    # asyncio sets it for sockets that name their protocol only, which those of create_server do not.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found
