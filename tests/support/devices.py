"""Browsers of the stories' people, their push services on loopback, and a dispatcher that runs while a test says so."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from notifications.channels import registry
from notifications.channels.base import Channel
from notifications.channels.webpush import vapid
from notifications.delivery.circuit_breaker import Services
from notifications.delivery.engine import Engine
from notifications.models import Device, Recipient
from notifications.people import devices
from notifications.types import Json, NewAddress
from tests.support.webpush import Browser

Answer = tuple[int, dict[str, str]]


def subscribe(person: Recipient, browser: Browser, url: str, name: str, **registration: Any) -> Device:
    """The person turns notifications on in this browser, whose endpoint is the URL."""
    address = browser.address(url, vapid.signer().public_key)
    new = NewAddress("webpush", url, "endpoint", address.sender, p256dh=address.p256dh, auth=address.auth)
    return devices.register(person, new, name=name, **{"now": timezone.now()} | registration)[0]


class PushHost:
    """A push service for several browsers: `answers` per browser, one after the other; the last one stays."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: defaultdict[str, list[Answer]] = defaultdict(lambda: [(201, {})])
        self.words: dict[str, str] = {}
        """What is said with a browser's answers."""
        self.tries: defaultdict[str, int] = defaultdict(int)
        self.gone: set[str] = set()
        """Browsers that take no new messages; what they show is still replaced."""
        self._browsers: dict[str, Browser] = {}
        self._taken: defaultdict[str, list[Json]] = defaultdict(list)
        self._lock = threading.Lock()

    @property
    def service(self) -> str:
        """What it is called in reasons and faults."""
        return self.url.removeprefix("http://")

    @property
    def names(self) -> list[str]:
        return list(self._browsers)

    @property
    def count(self) -> int:
        """Messages that browsers have read."""
        return sum(map(len, list(self._taken.values())))

    def open(self, name: str) -> Browser:
        """A browser with keys of its own, which reads what comes to its path here."""
        browser = self._browsers[name] = Browser()
        return browser

    def subscribe(self, person: Recipient, name: str, **registration: Any) -> Device:
        """The person turns notifications on in a browser of this name."""
        return subscribe(person, self.open(name), f"{self.url}/{name}", name, **registration)

    def answer(self, name: str, *answers: int | Answer) -> None:
        self.answers[name] = [(each, {}) if isinstance(each, int) else each for each in answers]

    def shown(self, name: str) -> list[Json]:
        """What the browser could read, in the order in which it came; `ttl`, `topic`, `urgency` as the service saw."""
        return self._taken[name]

    def take(self, name: str, headers: Any, body: bytes) -> Answer:
        with self._lock:
            self.tries[name] += 1
            if name in self.gone and self._browsers[name].read(body)["kind"] == "message":
                return 410, {}
            answers = self.answers[name]
            status, extra = answers.pop(0) if len(answers) > 1 else answers[0]
            if status == 201:
                seen = {key: headers[key] for key in ("TTL", "Topic", "Urgency")}
                self._taken[name].append({**self._browsers[name].read(body), **seen})
            return status, extra


HostT = TypeVar("HostT", bound=PushHost)


@contextmanager
def push_host(kind: type[HostT] = PushHost) -> Iterator[HostT]:  # type: ignore[assignment]
    host = kind()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = host.take(self.path.strip("/"), self.headers, body)
            self.send_response(status)
            words = host.words.get(self.path.strip("/"), "").encode()
            for name, value in {**headers, "Content-Length": str(len(words))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256  # dispatchers connect many times at once

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Dispatchers may be killed while they speak."""

    server = Server(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def dispatch() -> None:
    """What a dispatcher does with everything that is due for devices now, until all of it is written down."""
    drain_after(registry.device_channels(), lambda: None)


def drain_after(channels: Sequence[Channel], *steps: Callable[[], object], services: Services | None = None) -> None:
    """One engine for these channels; after each step it sends what is due, and all of that lands."""

    async def run() -> None:
        engine = Engine(channels)
        if services is not None:
            engine._sender._services = services
        try:
            for step in steps:
                await sync_to_async(step)()
                await engine.drain()
                await engine.idle()
        finally:
            await engine.close()

    async_to_sync(run)()
