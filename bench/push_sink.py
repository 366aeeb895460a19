"""`python -m bench.push_sink PORT [TLS_PORT CERTIFICATE]`: a service that takes every POST, as fast as possible.

It stands for push services, and for engines that are told answers. `GET` answers how many messages there were, how many
bytes all of them had, and how many different values of `webhook-id`.
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
LENGTH, ID = b"\r\ncontent-length:", b"\r\nwebhook-id:"


class Tally:
    """Of all connections together."""

    def __init__(self) -> None:
        self.messages = 0
        self.octets = 0
        self.ids: set[bytes] = set()

    def add(self, octets: int, webhook_id: bytes) -> None:
        self.messages += 1
        self.octets += octets
        if webhook_id:
            self.ids.add(webhook_id)

    def report(self) -> bytes:
        body = json.dumps({"messages": self.messages, "bytes": self.octets, "ids": len(self.ids)}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Connection(asyncio.Protocol):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no class of asyncio

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(END_OF_HEAD)) >= 0:
            head, body_at = self._buffer[:end].lower(), end + len(END_OF_HEAD)
            length = int(_value(head, LENGTH) or 0)
            if len(self._buffer) < body_at + length:
                return
            self._buffer = self._buffer[body_at + length :]
            if head.startswith(b"get"):
                self._transport.write(self._tally.report())
                continue
            self._tally.add(length, _value(head, ID))
            self._transport.write(TAKEN)


def _value(head: bytes, name: bytes) -> bytes:
    """Of a header, without the space around it; nothing if it is not there."""
    return head.partition(name)[2].partition(b"\r\n")[0].strip()


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
