"""A document whose server is slow costs nobody else anything: no thread waits for it, and it has places of its own."""

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections
from pytest_django import Settings

from notifications.connectors.access import Access
from notifications.inbox import documents
from notifications.models import Notification, Recipient
from tests.inbox.browser import signed_in
from tests.support.engines import rude_engine
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story
from wfpush.web.async_responses import AwaitedResponse, BrokenOff
from wfpush.web.handler import ThreadedHandler

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 2
PATIENCE_SECONDS = 10
PDF = b"%PDF-1.7 an invoice"


@dataclass
class Visit:
    """One request, as an ASGI server makes it; `leave` closes its connection."""

    path: str
    cookie: str = ""
    sent: list[dict[str, Any]] = field(default_factory=list)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    takes: bool = True

    async def to(self, handler: ThreadedHandler) -> "Visit":
        headers = [(b"host", b"127.0.0.1"), (b"cookie", self.cookie.encode()), (b"accept", b"text/html")]
        scope = {"type": "http", "method": "GET", "path": self.path, "query_string": b"", "headers": headers}
        body = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if body:
                return body.pop()
            await self.leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.sent.append(message)
            if message["type"] == "http.response.body" and not self.takes:
                await asyncio.Future()

        await handler(scope, receive, send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode().lower(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


@pytest.fixture
def handler() -> Iterator[ThreadedHandler]:
    handler = ThreadedHandler(THREADS)
    yield handler
    together = threading.Barrier(THREADS)
    for _ in range(THREADS):
        handler._pool.submit(lambda: (together.wait(), connections.close_all()))
    handler._pool.shutdown()


@pytest.fixture
def host(settings: Settings) -> Iterator[Receiver]:
    """The engine's server: what it is asked for as a document is not answered until its gate opens."""
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        receiver.held = "/callback/documents"
        receiver.answer((200, {"Content-Type": "application/pdf"}, PDF))
        yield receiver


@pytest.fixture
def copy(story: Story, host: Receiver) -> Notification:
    """Bob's item, with a document that the engine keeps."""
    story.engine.callback_url = host.url
    story.engine.save()
    story.assign()
    copy = story.copy(story.bob)
    copy.details = {"documents": [{"title": "Invoice", "url": f"{host.url}/documents/{uuid.uuid4()}"}]}
    copy.save()
    return copy


def document(copy: Notification) -> Visit:
    return Visit(f"/n/{copy.pk}/documents/0", cookie_of(copy.recipient))


def cookie_of(person: Recipient) -> str:
    name = django_settings.SESSION_COOKIE_NAME
    return f"{name}={signed_in(person).cookies[name].value}"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what the host has got is known in another thread
            await asyncio.sleep(0.01)


def run(scene: Callable[[], Awaitable[object]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await scene()

    asyncio.run(in_time())


def test_everybody_else_is_answered_while_a_host_does_not_answer(
    handler: ThreadedHandler, copy: Notification, host: Receiver
) -> None:
    visits = [document(copy) for _ in range(THREADS + 1)]

    async def scene() -> None:
        slow = [asyncio.create_task(visit.to(handler)) for visit in visits]
        await until(lambda: len(host.calls) == THREADS + 1)
        assert (await Visit("/sign-in").to(handler)).status == 200
        host.gate.set()
        assert [(await each).body for each in slow] == [PDF] * (THREADS + 1)

    run(scene)


def test_a_person_has_a_few_slots_and_others_have_theirs(
    handler: ThreadedHandler, copy: Notification, host: Receiver
) -> None:
    visits = [document(copy) for _ in range(40)]

    async def scene() -> None:
        slow = [asyncio.create_task(visit.to(handler)) for visit in visits]
        await until(lambda: sum(bool(visit.sent) for visit in visits) == 36)  # and nobody has waited for the host
        host.gate.set()
        await asyncio.gather(*slow)

    run(scene)

    assert sorted(visit.status for visit in visits) == [200] * 4 + [429] * 36
    assert {visit.headers["retry-after"] for visit in visits if visit.status == 429} == {"5"}
    assert len(host.calls) == 4


def test_who_leaves_gives_the_slot_back_at_once(handler: ThreadedHandler, copy: Notification, host: Receiver) -> None:
    visits = [document(copy) for _ in range(4)]
    later = document(copy)

    async def scene() -> None:
        slow = [asyncio.create_task(visit.to(handler)) for visit in visits]
        await until(lambda: len(host.calls) == 4)
        for visit in visits:
            visit.leave.set()
        await asyncio.gather(*slow)
        host.gate.set()
        assert (await later.to(handler)).status == 200

    run(scene)

    assert [visit.sent for visit in visits] == [[]] * 4


def test_a_reader_who_takes_nothing_gives_the_slot_back_in_the_end(
    handler: ThreadedHandler, copy: Notification, host: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "SECONDS_IN_ALL", 0.2)
    host.gate.set()
    visit = document(copy)
    visit.takes = False

    run(lambda: visit.to(handler))

    assert [message["type"] for message in visit.sent] == ["http.response.start", "http.response.body"]
    assert documents.slots._count == 0


@pytest.mark.parametrize(("head", "pieces"), [(b"Content-Length: 2000000\r\n", 10), (b"", 40)])
def test_what_breaks_off_or_is_larger_than_its_host_said_is_not_taken_for_the_whole(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, head: bytes, pieces: int
) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    monkeypatch.setattr(documents, "LARGEST", 3_000_000)

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n" + head + b"\r\n" + PDF)
        for _ in range(pieces):
            writer.write(b"x" * 100_000)
            await writer.drain()

    async def scene() -> None:
        async with rude_engine(give) as url, AsyncExitStack() as stack:
            asked = documents.Document("Invoice", url, 1, "en", Access(url))
            response = AwaitedResponse(partial(documents._begin, asked))
            content = await response.begin(response, stack)
            assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
            with pytest.raises(BrokenOff):
                async for piece in content:
                    assert len(piece) <= 128 * 1024  # it is not kept in memory

    run(scene)
