"""`python -m bench.day.sink PORT`: engines that take every answer, and tell which of them came, and how often.

`GET` answers the number of calls, and of different values of `webhook-id` among them.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import cast

import uvloop

from bench.harness import HOST
from bench.push_sink import END_OF_HEAD, length_of

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
ID = b"\r\nwebhook-id:"


class Connection(asyncio.Protocol):
    def __init__(self, calls: "Counter[bytes]") -> None:
        self._calls = calls
        self._kept = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no class of asyncio

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while (end := self._kept.find(END_OF_HEAD)) >= 0:
            head, whole = self._kept[:end], end + len(END_OF_HEAD) + length_of(self._kept[:end])
            if len(self._kept) < whole:
                return
            self._kept = self._kept[whole:]
            if head.startswith(b"GET"):
                self._transport.write(self._report())
                continue
            self._calls[head.lower().partition(ID)[2].partition(b"\r\n")[0].strip()] += 1
            self._transport.write(TAKEN)

    def _report(self) -> bytes:
        said = json.dumps({"calls": self._calls.total(), "different": len(self._calls)}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)


async def serve(port: int) -> None:
    calls: Counter[bytes] = Counter()
    await asyncio.get_running_loop().create_server(lambda: Connection(calls), HOST, port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
