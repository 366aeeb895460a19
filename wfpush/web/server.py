"""The web process: daphne as a library, with limits that daphne lacks, and a graceful stop."""

import asyncio
import select
import time
from typing import Any
from urllib.parse import unquote

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred

from wfpush.net.ports import PortTaken, check_port
from wfpush.processes.systemd_notify import notify_systemd
from wfpush.web.bodylimit import STRANGER, TOO_LARGE, Admits, Application, Refusal, asks_who, limit_for

WEBSOCKET_FRAME_LIMIT = 64 * 1024
LINGER_SECONDS = 3.0
LINGER_BYTES = 32 * 1024 * 1024
GRACE_SECONDS = 20.0
"""Seconds that running requests may take when the process is told to stop."""
FIRST_REQUEST_SECONDS = 0.25
"""Seconds that a connection just accepted may take to send its request when the process stops."""
LOOK_SECONDS = 0.05
SERVICE_RESTART = 1012


class LimitedRequest(WebRequest):  # type: ignore[misc]
    """A request whose body is cut at its limit: by Content-Length at once, else when it has grown too large.

    What the client still sends after the refusal is read and dropped for a moment: closing at once would reset the
    connection, and the client would lose the answer.
    """

    limit = 0
    received = 0
    refused = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Django reads forms. Twisted would read them before, answer 400 itself to what it takes for a broken one, and
        # parse the Content-Type of every POST as that of an e-mail.
        self._parsePOSTFormSubmission = False

    def gotLength(self, length: int | None) -> None:
        types = self.requestHeaders.getRawHeaders(b"content-type") or [b""]
        # The request has no path of its own before its body was read.
        path = unquote(self.channel._path.partition(b"?")[0].decode("latin-1"))
        self.limit = limit_for(types[-1], path)
        super().gotLength(length)
        if length is not None and length > self.limit:
            self.refuse(TOO_LARGE)
        elif self.server.admits is not None and asks_who(length, types[-1], path):
            self.ask_who(path)

    def ask_who(self, path: str) -> None:
        """Read no more of the body until it is known whether its sender may send files."""
        headers = [(name.lower(), said) for name, all in self.requestHeaders.getAllRawHeaders() for said in all]
        # The channel's own pauseProducing() is not undone once the request is being answered, as a short one in chunks
        # may be by then: the connection would then wait for ever.
        self.channel._networkProducer.pauseProducing()
        asked = Deferred.fromFuture(asyncio.ensure_future(self.server.admits(path, headers)))
        asked.addBoth(self.told)

    def told(self, admitted: Any) -> None:
        """A fault, too, lets it through: the application says what is wrong."""
        if self.channel is None or self._disconnected:
            return
        self.channel._networkProducer.resumeProducing()
        if admitted is False and not self.refused:
            self.refuse(STRANGER)

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.refused:
            if self.received > LINGER_BYTES:
                self.abandon()
        elif self.received > self.limit:
            self.refuse(TOO_LARGE)
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        if self.refused:
            return self.abandon()
        return super().process()

    def handle_reply(self, message: dict[str, Any]) -> None:
        """While the process stops, this answer is the last one on its connection, and says so."""
        if message.get("type") == "http.response.start" and self.server.stopping and self.channel is not None:
            self.channel.persistent = False
            self.responseHeaders.setRawHeaders(b"connection", [b"close"])
        super().handle_reply(message)

    def refuse(self, refusal: Refusal) -> None:
        self.refused = True
        self.requestHeaders.removeHeader(b"expect")  # else twisted would still ask for the body
        kind, accept = ((self.requestHeaders.getRawHeaders(name) or [b""])[-1] for name in (b"content-type", b"accept"))
        headers, body = refusal.answer(kind, accept)
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        status = f"{refusal.status} {refusal.reason}".encode()
        self.channel.transport.write(b"HTTP/1.1 %s\r\n%s\r\n%s" % (status, head, body))
        self.content.truncate(0)
        self.channel.callLater(LINGER_SECONDS, self.abandon)

    def abandon(self) -> None:
        if self.channel is not None and not self._disconnected:
            self.channel.loseConnection()


class LimitedFactory(HTTPFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        return protocol


class WebSocket(WebSocketProtocol):  # type: ignore[misc]
    """Sends the close code that it is given. autobahn's `sendClose` is for clients, and raises for codes that only
    servers send, such as 1012 "service restart" (RFC 6455 and IANA's registry)."""

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=1000 if code is None else code)


class Server(DaphneServer):  # type: ignore[misc]
    """daphne with our request and socket classes, small WebSocket frames and an exit code when it cannot listen.

    Told to stop, it accepts no new connections and answers running requests. daphne drops them, whatever they have
    changed by then.
    """

    failed_to_listen = ""
    stopping = False

    def __init__(self, *args: Any, grace: float = GRACE_SECONDS, admits: Admits | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.admits = admits
        self._grace = grace
        self._ports: list[Any] = []

    @property
    def http_factory(self) -> LimitedFactory:
        return self._http_factory

    @http_factory.setter
    def http_factory(self, factory: HTTPFactory) -> None:
        # run() makes daphne's own factory by name; this assignment is the only place to put ours.
        self._http_factory = LimitedFactory(self)

    @property
    def ws_factory(self) -> WebSocketFactory:
        return self._ws_factory

    @ws_factory.setter
    def ws_factory(self, factory: WebSocketFactory) -> None:
        factory.protocol = WebSocket
        self._ws_factory = factory

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)
        # Not before the handlers of signals are there: who is told may stop this process at once.
        reactor.callWhenRunning(notify_systemd, "READY=1")

    def kill_all_applications(self) -> "Deferred[Any]":
        """What daphne does on SIGTERM, delayed until running requests are answered or the grace is over."""
        notify_systemd("STOPPING=1")
        self.stopping = True
        for port in self._ports:
            _close(port)
        for protocol in [each for each in self.connections if isinstance(each, WebSocket)]:
            protocol.serverClose(SERVICE_RESTART)
        began = time.monotonic()

        def look() -> None:
            if self._is_drained(time.monotonic() - began):
                looking.stop()

        looking = task.LoopingCall(look)
        ended = looking.start(LOOK_SECONDS)
        ended.addBoth(lambda _: self._kill_what_is_left())
        return ended

    def _is_drained(self, waited: float) -> bool:
        busy = any(isinstance(each, LimitedRequest) and "disconnected" not in state for each, state in self._open())
        return waited >= self._grace or (waited >= FIRST_REQUEST_SECONDS and not busy)

    def _kill_what_is_left(self) -> Any:
        # daphne would look up the application of each connection; some have none
        self.connections = {each: state for each, state in self._open() if "application_instance" in state}
        return super().kill_all_applications()

    def _open(self) -> list[tuple[Any, dict[str, Any]]]:
        return list(self.connections.items())

    def listen_error(self, failure: Any) -> None:
        self.failed_to_listen = failure.getErrorMessage()
        self.stop()


def _close(port: Any) -> None:
    """Stop listening. Accept waiting connections first, since closing would reset those that the kernel has
    accepted."""
    while select.select([port.socket], [], [], 0)[0]:
        port.doRead()
    port.stopListening()


def serve(
    application: Application, host: str, port: int, *, grace: float = GRACE_SECONDS, admits: Admits | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then finish running requests for up to `grace` seconds. `admits`: who may send
    large files; without it everybody. Raises PortTaken."""
    check_port(host, port, "--port")
    server = Server(
        application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        websocket_max_message_size=WEBSOCKET_FRAME_LIMIT,
        websocket_max_frame_size=WEBSOCKET_FRAME_LIMIT,
        server_name="",
        proxy_forwarded_address_header=None,
        grace=grace,
        admits=admits,
    )
    server.run()
    if server.failed_to_listen:
        raise PortTaken(f"Cannot listen on {host}:{port}: {server.failed_to_listen}")
