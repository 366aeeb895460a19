"""The web process: daphne with a limit of stored body bytes, and a graceful stop."""

import asyncio
import select
import socket
from contextvars import Context
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    globalLogPublisher,
)
from twisted.protocols.policies import WrappingFactory

from wfpush.net.ports import PortTaken, check_port
from wfpush.processes.systemd_notify import notify_systemd
from wfpush.web.bodylimit import BATCH_LIMIT, LINGER_BYTES, Application

WEBSOCKET_FRAME_LIMIT = 64 * 1024
KEEP_ALIVE_SECONDS = 75
"""Seconds that a connection may be silent. nginx closes its own after 60 seconds, so nginx closes first."""
GRACE_SECONDS = 20.0
"""Seconds that running requests may take when the process is told to stop."""
FIRST_REQUEST_SECONDS = 0.25
"""Seconds that a connection just accepted may take to send its request when the process stops."""
POLL_SECONDS = 0.05
MAX_ACCEPT_ROUNDS = 1000
SERVICE_RESTART = 1012
CLOSE = (b"connection", b"close")


class Request(WebRequest):  # type: ignore[misc]  # daphne has no types
    """A request whose body daphne stores before it calls the application. If the body is too long for `BodyLimit`, the
    rest is dropped; a client that does not stop sending is disconnected."""

    defaultContentType = None
    _received = 0

    def handleContentChunk(self, data: bytes) -> None:
        if self._received <= BATCH_LIMIT:
            super().handleContentChunk(data)
        self._received += len(data)
        if self._received > BATCH_LIMIT + LINGER_BYTES:
            self.channel.transport.abortConnection()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Leave forms to Django. Twisted would parse them, too, in the event loop, and refuse some of them."""
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.client, self.host = self.channel.getPeer(), self.channel.getHost()
        self.content.seek(0)
        self.process()

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and self.channel is not None:
            if self.server.is_stopping:
                message["headers"] = [*message.get("headers", []), CLOSE]
            if CLOSE in message.get("headers", []):
                self.channel.persistent = False
        super().handle_reply(message)


class Socket(WebSocketProtocol):  # type: ignore[misc]
    def serverClose(self, code: int | None = None) -> None:
        """Close with `code`. autobahn's `sendClose` raises an exception for the codes of servers, such as 1012."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        """Skip daphne's handler for a connection refused before it had an application, which would raise an error."""
        if hasattr(self, "server"):
            super().onClose(wasClean, code, reason)


class Connections(HTTPFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory, protocol.timeOut = Request, KEEP_ALIVE_SECONDS
        return protocol


class Server(DaphneServer):  # type: ignore[misc]
    """daphne's server with a graceful stop. It accepts waiting connections, answers running requests and those of new
    connections, and closes WebSockets with 1012. daphne would cancel all of them."""

    is_stopping = False
    listen_failure = ""

    def create_application(self, protocol: Any, scope: Any) -> Any:
        """Start it in an empty context: a pipelined request would inherit that of the request before it."""
        return Context().run(super().create_application, protocol, scope)

    def listen_success(self, port: Any) -> None:
        """Put our classes in the place of those that daphne's `run` names."""
        self.port = port
        self.open = port.factory = WrappingFactory(Connections(self))  # type: ignore[no-untyped-call]
        self.ws_factory.protocol = Socket
        self.ws_factory.setProtocolOptions(failByDrop=False)
        errors: Any = LogLevelFilterPredicate(LogLevel.error)
        observer: Any = FilteringLogObserver(STDLibLogObserver("daphne"), [errors])  # type: ignore[arg-type]
        globalLogPublisher.addObserver(observer)  # daphne drops Twisted's log
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; ends connections that take nothing, which inherit it
            port.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(KEEP_ALIVE_SECONDS * 1000))
        reactor.callWhenRunning(notify_systemd, "READY=1")

    def listen_error(self, failure: Any) -> None:
        self.listen_failure = failure.getErrorMessage()
        self.stop()

    def kill_all_applications(self) -> "Deferred[None]":
        """Return a Deferred that fires when the process may end. Called on SIGTERM and SIGINT."""
        return Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        notify_systemd("STOPPING=1")
        self.is_stopping = True
        await self._accept_all()
        await asyncio.sleep(POLL_SECONDS)  # a busy kernel lists connections late
        await self._accept_all()
        self.port.stopListening()
        for protocol in [each for each in self.connections if isinstance(each, Socket)]:
            protocol.serverClose(SERVICE_RESTART)
        await asyncio.sleep(FIRST_REQUEST_SECONDS)
        for _ in range(int(self.grace / POLL_SECONDS)):
            if not self._close_idle():
                break
            await asyncio.sleep(POLL_SECONDS)
        await self._cancel_all()

    async def _accept_all(self) -> None:
        """Let Twisted accept the connections that the kernel has. Closing the port would reset them."""
        for _ in range(MAX_ACCEPT_ROUNDS):
            if not select.select([self.port], [], [], 0)[0]:
                break
            await asyncio.sleep(0)

    def _close_idle(self) -> int:
        """Close HTTP connections without a request once their output is sent. Return the number of open ones."""
        requests = [each for each, state in self.connections.items() if "disconnected" not in state]
        busy = {each.channel.transport for each in requests if isinstance(each, Request) and each.channel is not None}
        connections = {each for each in self.open.protocols if not isinstance(each.wrappedProtocol, Socket)}
        for connection in connections - busy:
            connection.loseConnection()
        return len(connections)

    async def _cancel_all(self) -> None:
        states = list(self.connections.values())
        running = [state["application_instance"] for state in states if "application_instance" in state]
        for application in running:
            application.cancel()
        if running:
            await asyncio.wait(running)


def serve(application: Application, host: str, port: int, *, grace: float = GRACE_SECONDS) -> None:
    """Serve until SIGTERM or SIGINT, then finish running requests for up to `grace` seconds. Raises PortTaken."""
    check_port(host, port, "--port")
    limit, endpoints = WEBSOCKET_FRAME_LIMIT, build_endpoint_description_strings(host=host, port=port)
    server = Server(
        application, endpoints, server_name="", websocket_max_message_size=limit, websocket_max_frame_size=limit
    )
    server.grace = grace
    server.run()
    if server.listen_failure:
        raise PortTaken(f"Cannot listen on {host}:{port}: {server.listen_failure}")
