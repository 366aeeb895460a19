"""The way between browsers and the web server, which a test can cut."""

import asyncio
from contextlib import suppress


class Network:
    """Forwards what comes to `port` of 127.0.0.1. Both may be used from its own loop only."""

    def __init__(self) -> None:
        self._flows = asyncio.Event()
        self._flows.set()

    async def start(self) -> None:
        await self._listen(0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def leads_to(self, port: int) -> None:
        self._target = port

    async def _listen(self, port: int) -> None:
        self._open: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", port)

    async def cut(self) -> None:
        """No connection stays, and none can be made."""
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def mend(self) -> None:
        await self._listen(self.port)

    async def hang(self) -> None:
        """Connections stay and are made, and nothing comes through them."""
        self._flows.clear()

    async def flow(self) -> None:
        """All that was held up, and what comes."""
        self._flows.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, to_server[1]}
        self._open |= both
        try:
            await asyncio.gather(self._forward(reader, to_server[1]), self._forward(to_server[0], writer))
        finally:
            self._open -= both

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
