"""A push service for hundreds of virtual devices, each of which behaves as its address says: `/hangs/dave-7`."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from aiohttp import web

from notifications.models import Device, Recipient
from tests.pushlab.background import Background
from tests.support.devices import subscribe
from tests.support.webpush import Browser

STATUSES = {"ok": 201, "cut": 200, "gone": 410, "broken": 500, "refused": 403, "busy": 429}
DEAD = ("gone", "broken", "refused", "busy", "cut", "hangs")
"""Ways in which a device does not get its messages, over a connection that was accepted."""


class Crowd:
    """`arrived`, `tries`: how often each address was given a message, and was called. What hangs is answered when the
    test releases it."""

    def __init__(self) -> None:
        self.url = ""
        self.tries: Counter[str] = Counter()
        self.arrived: Counter[str] = Counter()
        self.hanging = 0
        self.most_hanging = 0
        self.given_up = 0
        """Calls that hung, and were broken off by the caller."""
        self.changed = threading.Condition()
        self.released = asyncio.Event()
        self.manner: dict[str, str] = {}
        """What an address does instead of what it says."""

    async def receive(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        path = request.path.strip("/")
        manner = self.manner.get(path) or path.partition("/")[0]
        self._note(lambda: self.tries.update([path]))
        if manner == "cut" and request.transport is not None:
            request.transport.close()
        if manner == "hangs":
            await self._hang()
        status = STATUSES.get(manner, 201)
        if status == 201:
            self._note(lambda: self.arrived.update([path]))
        return web.Response(status=status, headers={"Retry-After": "120"} if status == 429 else None)

    async def _hang(self) -> None:
        self._note(partial(self._count_hanging, 1))
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self._note(self._count_given_up)
            raise
        finally:
            self._note(partial(self._count_hanging, -1))

    def _count_hanging(self, more: int) -> None:
        self.hanging += more
        self.most_hanging = max(self.most_hanging, self.hanging)

    def _count_given_up(self) -> None:
        self.given_up += 1

    def _note(self, what: Callable[[], object]) -> None:
        with self.changed:
            what()
            self.changed.notify_all()

    def waits_for(self, condition: Callable[[], bool], within: float) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, within)

    def device(self, person: Recipient, manner: str, url: str = "") -> Device:
        """The person turns notifications on in a browser that behaves so."""
        url = f"{url or self.url}/{manner}/{person.ref}"
        return subscribe(person, Browser(), url, f"{manner} {person.ref}", now=person.created_at)


@contextmanager
def crowd(tls: ssl.SSLContext | None = None) -> Iterator[Crowd]:
    background = Background()

    async def begin() -> tuple[Crowd, web.AppRunner]:
        started = Crowd()
        application = web.Application()
        application.router.add_post("/{tail:.*}", started.receive)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, backlog=1024)
        await site.start()
        host, port = runner.addresses[0][:2]
        started.url = f"{'https' if tls else 'http'}://{host}:{port}"
        return started, runner

    started, runner = background.run(begin())
    try:
        yield started
    finally:
        background.loop.call_soon_threadsafe(started.released.set)
        background.run(runner.cleanup())
        background.stop()
