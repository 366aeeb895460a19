"""Bob's open inbox: a socket that comes back and resumes whenever it is closed, as the page's does."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

PAUSE_SECONDS = 0.3
PATIENCE_SECONDS = 8.0
"""For the answer to `resume`, after which the line counts as dead."""


class OpenInbox:
    """`seqs` are those of the frames that came, in order; `closed` the close codes; `synced` counts resumptions."""

    NO_ANSWER = 0
    """In `closed`: the socket did not even open."""

    def __init__(self, port: int, token: str) -> None:
        self.seqs: list[int] = []
        self.closed: list[int] = []
        self.synced = 0
        self.last = 0
        self._url = f"http://127.0.0.1:{port}/ws/inbox"
        self._token = token

    async def stay(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    await self._connected(session)
                except (aiohttp.ClientError, TimeoutError, OSError):
                    self.closed.append(self.NO_ANSWER)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _connected(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            socket = await session.ws_connect(self._url)
        async with socket:
            await socket.send_json({"type": "auth", "token": self._token})
            await socket.send_json({"type": "resume", "after": self.last})
            async for message in socket:
                await self._read(socket, json.loads(message.data))
            self.closed.append(socket.close_code or self.NO_ANSWER)

    async def _read(self, socket: "aiohttp.ClientWebSocketResponse", said: dict[str, object]) -> None:
        if said["type"] == "notification":
            if said["prev"] != self.last:
                await socket.send_json({"type": "resume", "after": self.last})
                return
            self.last = int(str(said["seq"]))
            self.seqs.append(self.last)
        elif said["type"] == "synced":
            self.last = int(str(said["seq"]))
            self.synced += 1


@contextmanager
def open_inbox(port: int, token: str) -> Iterator[OpenInbox]:
    """It stays open in a thread of its own for as long as the block runs."""
    inbox = OpenInbox(port, token)
    loop = asyncio.new_event_loop()
    staying = loop.create_task(inbox.stay())

    def run() -> None:
        try:
            loop.run_until_complete(staying)
        except asyncio.CancelledError:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield inbox
    finally:
        loop.call_soon_threadsafe(staying.cancel)
        thread.join()
