"""The web process: daphne as a library, with limits that it does not have by itself."""

from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from wfpush.bodylimit import PROBLEM, PROBLEM_HEADERS, Application, limit_for
from wfpush.ports import PortTaken, check_port

WEBSOCKET_FRAME_LIMIT = 64 * 1024
LINGER_SECONDS = 3.0
LINGER_BYTES = 32 * 1024 * 1024


class LimitedRequest(WebRequest):  # type: ignore[misc]
    """A request whose body is cut at its limit: from Content-Length at once, else when it has grown too large.

    What still comes after the refusal is read and dropped for a moment, because closing on a client that is still
    sending resets the connection, and the answer is lost with it.
    """

    limit = 0
    received = 0
    refused = False

    def gotLength(self, length: int | None) -> None:
        types = self.requestHeaders.getRawHeaders(b"content-type") or [b""]
        self.limit = limit_for(types[-1])
        super().gotLength(length)
        if length is not None and length > self.limit:
            self.refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.refused:
            if self.received > LINGER_BYTES:
                self.abandon()
        elif self.received > self.limit:
            self.refuse()
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        if self.refused:
            return self.abandon()
        return super().process()

    def refuse(self) -> None:
        self.refused = True
        self.requestHeaders.removeHeader(b"expect")  # or twisted would still ask for the body
        head = b"".join(b"%s: %s\r\n" % header for header in PROBLEM_HEADERS)
        self.channel.transport.write(b"HTTP/1.1 413 Payload Too Large\r\n%s\r\n%s" % (head, PROBLEM))
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
    """Sends the close code that it is told. autobahn's `sendClose` is for clients, and raises for any of a server's,
    such as 1012: "service restart" (RFC 6455 and IANA's registry); then nobody would be told anything."""

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=1000 if code is None else code)


class Server(DaphneServer):  # type: ignore[misc]
    """daphne with our request and socket classes, small WebSocket frames and an exit code when it cannot listen."""

    failed_to_listen = ""

    @property
    def http_factory(self) -> LimitedFactory:
        return self._http_factory

    @http_factory.setter
    def http_factory(self, factory: HTTPFactory) -> None:
        # run() makes daphne's own factory by name; the assignment is the one place to put ours.
        self._http_factory = LimitedFactory(self)

    @property
    def ws_factory(self) -> WebSocketFactory:
        return self._ws_factory

    @ws_factory.setter
    def ws_factory(self, factory: WebSocketFactory) -> None:
        factory.protocol = WebSocket
        self._ws_factory = factory

    def listen_error(self, failure: Any) -> None:
        self.failed_to_listen = failure.getErrorMessage()
        self.stop()


def serve(application: Application, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises PortTaken."""
    check_port(host, port, "--port")
    server = Server(
        application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        websocket_max_message_size=WEBSOCKET_FRAME_LIMIT,
        websocket_max_frame_size=WEBSOCKET_FRAME_LIMIT,
        server_name="",
        proxy_forwarded_address_header=None,
    )
    server.run()
    if server.failed_to_listen:
        raise PortTaken(f"Cannot listen on {host}:{port}: {server.failed_to_listen}")
