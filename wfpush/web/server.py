"""The web process: uvicorn as a library, with bounds that it lacks, and a graceful stop."""

import asyncio
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from typing import Any

import structlog
import uvicorn
from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode

from wfpush.net.ports import PortTaken, check_port
from wfpush.processes.systemd_notify import notify_systemd
from wfpush.web.bodylimit import Application

log = structlog.get_logger(__name__)

WEBSOCKET_FRAME_LIMIT = 64 * 1024
SOCKET_READS = 16 * 1024
"""Bytes that are read of a socket at once: thousands of frames, while nobody else is heard."""
HEAD_LIMIT = 64 * 1024
"""Bytes of a request's head, or of what follows its body, that are kept while their end has not come."""
MOST_WAITING = 1000
"""Requests of one connection that wait for the answer to one before them."""
KEEP_ALIVE_SECONDS = 75
"""How long a connection may be silent: longer than proxies keep theirs (nginx: 60), so that it is they who close it."""
GRACE_SECONDS = 20.0
"""Seconds that running requests may take when the process is told to stop."""
FIRST_REQUEST_SECONDS = 0.25
"""Seconds that a connection just accepted may take to send its request when the process stops."""
LOOK_SECONDS = 0.05
MOST_LOOKS = 1000
"""For waiting connections, of which others may come all the time."""
NO_BODY = b"content-length: 0\r\nconnection: close\r\n\r\n"
NO_HTTP = b"HTTP/1.1 400 Bad Request\r\n" + NO_BODY
TOO_LONG_A_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + NO_BODY


class State(ServerState):
    """What all connections of the process know."""

    is_stopping = False


class Requests(HttpToolsProtocol):
    """One connection's requests. uvicorn keeps the head of a request however long it is, and waits for ever for the
    first request, and for the rest of one. It takes trailers for headers, loses the body of a request that asks for
    another protocol than WebSocket, and the answer to one that is followed by what is no HTTP."""

    server_state: State
    _took = False
    _kept = 0
    _is_over = False
    _running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._wait_for_more()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self._running is not None:  # uvicorn tells the last request of the connection, which may be waiting
            self._running.disconnected = True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._took = False
        self._read(data)
        self._kept = 0 if self._took else self._kept + len(data)
        if self._kept >= HEAD_LIMIT:
            self._refuse(TOO_LONG_A_HEAD)
        self._wait_for_turn()
        if len(self.pipeline) > MOST_WAITING:
            self.transport.abort()
        elif not self._is_over and (not self._is_answering or self.cycle.more_body):
            self._wait_for_more()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        """Read no more while requests wait, since uvicorn keeps their bodies."""
        if self.pipeline:
            self.flow.pause_reading()

    def _read(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                break
            except HttpParserUpgrade as upgrade:
                data = self._upgraded(data[upgrade.args[0] :])
            except HttpParserError:
                self._refuse(NO_HTTP)
                break

    def _should_upgrade(self) -> bool:
        """uvicorn asks while it reads a request that asks for another protocol. Such a one has no body for the parser,
        so that it is not answered before it is read once more."""
        return True

    def _upgraded(self, rest: bytes) -> bytes:
        """What there is to be read of a request that asks for another protocol. `rest`: what follows its head."""
        method = self.scope["method"]
        if method == "CONNECT":
            self._refuse(NO_HTTP)
            return b""
        if method == "GET" and self._get_upgrade() == b"websocket" and not self._is_answering:
            self._is_over = True
            Context().run(self.handle_websocket_upgrade)  # not in that of a request before it
            return b""
        lines = [b"%s %s HTTP/%s" % (method.encode(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", rest])

    def _refuse(self, answer: bytes) -> None:
        """Read no more. A request that was read to its end is answered first, as the last one."""
        self._is_over = True
        if self._is_answering and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        if not self._is_answering or not self.cycle.response_started:
            self.transport.write(answer)
        self.transport.close()

    def _wait_for_more(self) -> None:
        self._unset_keepalive_if_required()
        wait = self.timeout_keep_alive
        self.timeout_keep_alive_task = self.loop.call_later(wait, self.timeout_keep_alive_handler)

    def on_headers_complete(self) -> None:
        """Django and others would take a name with underscores for the same one with hyphens."""
        self._took = True
        self.headers[:] = [header for header in self.headers if b"_" not in header[0]]
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self.headers = []  # for trailers, which are no headers
        if self.server_state.is_stopping and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._took = True
        super().on_body(body)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_busy(self) -> bool:
        """Whether an answer is not given, or not sent, to its end."""
        return self._is_answering or self.transport.get_write_buffer_size() > 0


class Socket(WebSocketsSansIOProtocol):
    """Sends nothing more to whoever is gone or was told to close: the application hears of it by its next message.
    uvicorn keeps a connection open whose handshake it cannot read, and pongs of whoever does not take them."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.max_size = SOCKET_READS

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()) or NO_HTTP)
            self.transport.close()

    def handle_ping(self) -> None:
        pongs = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(pongs))

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.frames = []
            self.conn.fail(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def shutdown(self) -> None:
        with suppress(InvalidState):  # the client is closing it, and has not taken all that was sent before
            super().shutdown()

    async def send(self, message: Any) -> None:
        if self.close_sent or self.transport.is_closing():
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
        await asyncio.sleep(LOOK_SECONDS)  # a kernel that is busy has answered clients whose connections it lists later
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


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _until_cancelled(application: Application) -> Application:
    """What is left of the requests when the grace is over ends without a word."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except asyncio.CancelledError:
            log.warning("cut_off", type=scope["type"], path=scope["path"])

    return served


def listening(host: str, port: int) -> socket.socket:
    """A socket to accept connections from; `::` is for IPv4, too. Raises PortTaken.

    Its connections send at once what is written: head and body of an answer are two writes, and the second would wait
    for the client's receipt of the first, up to 40 ms. Who takes nothing of what is sent is as silent as who sends
    nothing.
    """
    is_6 = ":" in host
    family, both = (socket.AF_INET6, socket.has_dualstack_ipv6()) if is_6 else (socket.AF_INET, False)
    try:
        found = socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except OSError as fault:
        raise PortTaken(f"Cannot listen on {host}:{port}: {fault}") from fault
    # asyncio sets it for sockets that name their protocol only, which those of create_server do not.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(KEEP_ALIVE_SECONDS * 1000))
    return found
