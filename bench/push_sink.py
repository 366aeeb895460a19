"""`python -m bench.push_sink PORT [TLS_PORT CERTIFICATE]`: a push service that takes everything, as fast as possible.

`GET` answers how many messages there were, and how many bytes all of them had.
"""

import asyncio
import json
import ssl
import sys
from functools import partial
from typing import cast

import uvloop

from bench.harness import HOST

TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length:"


class Tally:
    """Of all connections together."""

    def __init__(self) -> None:
        self.messages = 0
        self.octets = 0

    def add(self, octets: int) -> None:
        self.messages += 1
        self.octets += octets

    def report(self) -> bytes:
        said = json.dumps({"messages": self.messages, "bytes": self.octets}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)


class Connection(asyncio.Protocol):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._kept = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no class of asyncio

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while (end := self._kept.find(END_OF_HEAD)) >= 0:
            head, body_at = self._kept[:end], end + len(END_OF_HEAD)
            length = length_of(head)
            if len(self._kept) < body_at + length:
                return
            self._kept = self._kept[body_at + length :]
            if head.startswith(b"GET"):
                self._transport.write(self._tally.report())
                continue
            self._tally.add(length)
            self._transport.write(TAKEN)


def length_of(head: bytes) -> int:
    _, found, rest = head.lower().partition(LENGTH)
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def serve(port: int, tls_port: int, certificate: str) -> None:
    loop, connection = asyncio.get_running_loop(), partial(Connection, Tally())
    await loop.create_server(connection, HOST, port)
    if tls_port:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        await loop.create_server(connection, HOST, tls_port, ssl=tls)
    await asyncio.Event().wait()


if __name__ == "__main__":
    port, tls_port, certificate, *_ = (*sys.argv[1:], "0", "")
    uvloop.run(serve(int(port), int(tls_port), certificate))
