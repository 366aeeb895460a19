"""Google's push services as Chromium speaks to them: check-in, registration, and MCS, over which messages arrive."""

import asyncio
import os
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from tests.pushlab import protobuf as pb
from tests.pushlab.rules import b64d, b64e
from tests.pushlab.service import PushService, Subscription, Waiting

HOST = "jmt17.google.com"
"""In the endpoints of Chromium as Debian builds it; Chrome's are on fcm.googleapis.com."""
PING, PONG, LOGIN, LOGGED_IN, CLOSE, DATA = 0, 1, 2, 3, 4, 8
MCS_VERSION = 41


@dataclass(frozen=True)
class Registration:
    """What a message must repeat for Chromium to know whose it is."""

    app: str
    subtype: str
    sender: str


class Line:
    """One browser's MCS connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.browser = ""
        self.heard = 0
        self._writer = writer

    async def say(self, tag: int, message: bytes, before: bytes = b"") -> None:
        self._writer.write(before + bytes([tag]) + pb.varint(len(message)) + message)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


class Gcm(PushService):
    """Endpoints are on port 443 of `host`, a loopback address that the senders' hosts file gives to HOST."""

    def __init__(self) -> None:
        super().__init__()
        self.origin = f"https://{HOST}"
        self._registrations: dict[str, Registration] = {}
        self._lines: dict[str, Line] = {}

    async def start(self, tls: ssl.SSLContext, host: str) -> None:
        app = web.Application(client_max_size=1 << 20)
        app.add_routes(
            [
                web.post("/checkin", self._check_in),
                web.post("/register3", self._register),
                web.post("/fcm/send/{token}", self.post),
                web.post("/wp/{token}", self.post),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        await web.TCPSite(self._runner, host, 443, ssl_context=tls).start()
        self._mcs = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=tls)
        self.mcs_port = self._mcs.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        for line in list(self._lines.values()):
            line.close()
        self._mcs.close()
        await self._runner.cleanup()

    def reaches(self, subscription: Subscription) -> bool:
        return subscription.browser in self._lines

    # --- over HTTP --------------------------------------------------------------------------------
    async def _check_in(self, request: web.Request) -> web.Response:
        said = pb.read(await request.read())
        device = said.get(2) or int.from_bytes(os.urandom(7), "big")
        secret = said.get(13) or int.from_bytes(os.urandom(7), "big")
        assert isinstance(device, int)
        assert isinstance(secret, int)
        settled = pb.whole(1, 1) + pb.whole(3, int(time.time() * 1000))
        body = settled + pb.fixed64(7, device) + pb.fixed64(8, secret) + pb.whole(9, 1)
        return web.Response(body=body, content_type="application/x-protobuf")

    async def _register(self, request: web.Request) -> web.Response:
        said = {name: str(value) for name, value in (await request.post()).items()}
        registration = Registration(said.get("app", ""), said.get("X-subtype", ""), said.get("sender", ""))
        if said.get("delete"):
            self._end(registration)
            return web.Response(text=f"token={registration.app}")
        token = f"{b64e(os.urandom(9))}:APA91b{b64e(os.urandom(45))}"
        self._registrations[token] = registration
        self.subscribe(said.get("device", ""), token, b64d(registration.sender), token)
        return web.Response(text=f"token={token}")

    def _end(self, ended: Registration) -> None:
        for token, registration in self._registrations.items():
            same_sender = ended.sender in ("", "*", registration.sender)
            if registration.subtype == ended.subtype and same_sender:
                self.subscriptions[token].is_gone = True

    # --- over MCS ---------------------------------------------------------------------------------
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(writer)
        with suppress(asyncio.IncompleteReadError, OSError):
            await reader.readexactly(1)  # the version it speaks
            while True:
                tag = (await reader.readexactly(1))[0]
                message = await reader.readexactly(await pb.read_varint(reader))
                line.heard += 1
                if tag == CLOSE:
                    break
                await self._hear(line, tag, message)
        if self._lines.get(line.browser) is line:
            del self._lines[line.browser]
        line.close()

    async def _hear(self, line: Line, tag: int, message: bytes) -> None:
        if tag == PING:
            await line.say(PONG, pb.whole(2, line.heard))
        elif tag == LOGIN:
            said = pb.read(message)
            user = said.get(3, b"")
            assert isinstance(user, bytes)
            line.browser = user.decode()
            answer = pb.text(1, said[1]) + pb.text(2, user) + pb.whole(8, int(time.time() * 1000))  # type: ignore[arg-type]
            await line.say(LOGGED_IN, answer, before=bytes([MCS_VERSION]))
            self._lines[line.browser] = line
            await self.deliver_waiting(line.browser)

    async def deliver(self, waiting: Waiting) -> bool:
        """Chromium's confirmations are left aside: a message counts as arrived once it is on the line."""
        line = self._lines.get(waiting.subscription.browser)
        if line is None:
            return False
        registration = self._registrations[waiting.subscription.token]
        about = {"subtype": registration.subtype, "content-encoding": "aes128gcm"}
        message = pb.text(3, registration.sender) + pb.text(5, registration.app)
        for name, value in about.items():
            message += pb.text(7, pb.text(1, name) + pb.text(2, value))
        left = int(max(0, waiting.ends_at - time.time()))
        message += pb.text(9, waiting.id) + pb.whole(17, left) + pb.whole(18, int(time.time() * 1000))
        await line.say(DATA, message + pb.text(21, waiting.parcel.body))
        self.waiting.pop(waiting.id, None)
        return True
