"""Refuses bodies before they are read into memory: one of 5 MB, one without end, and large files of strangers.

The bytes that a process holds at the same time are bounded, from one network address and in all. A body is held until
its request is answered. Small bodies are always read, so that large ones never keep people from answering, signing in
or sending an event.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self

from django.conf import settings
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext, gettext_noop

from wfpush.web import scim
from wfpush.web.proxies import address_of_scope

SMALL = 64 * 1024
"""Bytes at the beginning of each body that are not counted."""
MAX_BYTES_OF_ADDRESS = 64 * 1024 * 1024
MAX_BYTES = 256 * 1024 * 1024


class TooManyBytes(Exception):
    """Raised if no more bytes may be held. `of`: the holder that has reached its limit."""

    def __init__(self, of: Literal["address", "process"]) -> None:
        super().__init__(f"Bodies of this {of} have as many bytes as there may be.")
        self.of = of


class BodyBytes:
    """The bytes of all bodies. Belongs to one event loop."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def add(self, address: str, size: int) -> None:
        """Count bytes. Raises TooManyBytes."""
        if self._by_address[address] + size > MAX_BYTES_OF_ADDRESS:
            raise TooManyBytes("address")
        if self._total + size > MAX_BYTES:
            raise TooManyBytes("process")
        self._by_address[address] += size
        self._total += size

    def give_back(self, address: str, size: int) -> None:
        self._total -= size
        self._by_address[address] -= size
        if not self._by_address[address]:
            del self._by_address[address]


class HeldBody:
    """A context that counts the bytes of one body until its end. `address` is called when there are bytes to count."""

    def __init__(self, bodies: BodyBytes, address: Callable[[], str]) -> None:
        self._bodies = bodies
        self._address = address
        self._read = self._counted = 0

    def add(self, size: int) -> None:
        """Count bytes of the body beyond SMALL. Raises TooManyBytes."""
        self._read += size
        more = self._read - SMALL - self._counted
        if more > 0:
            self._bodies.add(self._address(), more)
            self._counted += more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._counted:
            self._bodies.give_back(self._address(), self._counted)


BODY_LIMIT = 1024 * 1024
BATCH_LIMIT = 16 * 1024 * 1024
LINGER_SECONDS = 3.0
LINGER_BYTES = 32 * 1024 * 1024
MOST_DIGITS = 12
BATCH_TYPE = b"application/cloudevents-batch+json"
FILE_TYPES = (b"multipart/form-data", b"application/octet-stream")
"""The content types of files, and of forms on pages that have files."""
FILE_PATHS = re.compile(r"/api/v1/attachments|/n/[0-9a-f-]{36}/(answer|comment)|/cases/[0-9]+/messages|/a/[^/]+")
"""The only paths that take files. More than BODY_LIMIT needs a known sender: forms are read before their view runs."""

PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{status}</title>{words}</html>"
)
"""The answer to browsers that send a form without scripts. Their language is not known yet, so it has all languages."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


Header = tuple[bytes, bytes]
Admits = Callable[[str, Iterable[Header]], Awaitable[bool]]
"""Returns whether the sender of a request with this path and these headers may send files."""


@dataclass(frozen=True)
class Refusal:
    """An answer to a request of which only the head was read."""

    status: int
    reason: str
    code: str
    title: str
    detail: str
    words: str
    more: tuple[Header, ...] = ()

    def answer(self, content_type: bytes, accept: bytes) -> tuple[list[Header], bytes]:
        """Return headers and body: a problem, SCIM's error, or a page for a browser that has sent a form with files."""
        if scim.is_wanted(content_type.decode("latin-1"), accept.decode("latin-1")):
            body = json.dumps(scim.error_json(self.status, self.detail)).encode()
            return self._headers(scim.CONTENT_TYPE.encode(), body), body
        is_page = content_type.lower().startswith(b"multipart/form-data") and b"text/html" in accept.lower()
        kind = b"text/html; charset=utf-8" if is_page else b"application/problem+json"
        body = (self._page() if is_page else json.dumps(self._problem())).encode()
        return self._headers(kind, body), body

    def _headers(self, kind: bytes, body: bytes) -> list[Header]:
        length = str(len(body)).encode()
        return [(b"content-type", kind), (b"content-length", length), (b"connection", b"close"), *self.more]

    def _page(self) -> str:
        return PAGE.format(status=self.status, words="".join(map(self._words_in, dict(settings.LANGUAGES))))

    def _words_in(self, language: str) -> str:
        with translation.override(language):
            return f'<p lang="{language}" dir="auto">{escape(gettext(self.words))}</p>'

    def _problem(self) -> dict[str, Any]:
        problem = {"type": f"/problems/{self.code}", "title": self.title, "status": self.status}
        return {**problem, "detail": self.detail, "code": self.code}


TOO_LARGE = Refusal(
    413,
    "Payload Too Large",
    "too_large",
    "Request body too large",
    "A request body may have 1 MiB, a batch of CloudEvents or files 16 MiB. Send less at once.",
    gettext_noop(
        "Too large to send at once: answers and messages may have 16 MB of files, imported lists 1 "
        "MB. Go back, and send less."
    ),
)
STRANGER = Refusal(
    401,
    "Unauthorized",
    "unauthenticated",
    "Who is calling?",
    "Files are read only of those who are known. Send a valid key as Authorization: Bearer … or X-API-Key, or sign in.",
    gettext_noop("You are signed out, or this page has expired: nothing was sent. Go back, and load the page again."),
    ((b"www-authenticate", b"Bearer"),),
)


AGAIN_SECONDS = b"5"
_MUCH = gettext_noop("Too much is being sent at the moment. Go back, and try again in a while.")
TOO_MUCH_OF_ADDRESS = Refusal(
    429,
    "Too Many Requests",
    "too_many_requests",
    "Too many requests",
    "Bodies from this network address have 64 MiB already that are not answered. Send fewer at a time.",
    _MUCH,
    ((b"retry-after", AGAIN_SECONDS),),
)
TOO_MUCH = Refusal(
    503,
    "Service Unavailable",
    "unavailable",
    "Temporarily out of order",
    "Bodies that are not answered have as many bytes as there is room for. Nothing was stored; try again.",
    _MUCH,
    ((b"retry-after", AGAIN_SECONDS),),
)


def limit_for(content_type: bytes, path: str) -> int:
    """Return the largest number of bytes of a body of this type, sent to this path."""
    kind = content_type.partition(b";")[0].strip().lower()
    larger = kind == BATCH_TYPE or (kind in FILE_TYPES and FILE_PATHS.fullmatch(path))
    return BATCH_LIMIT if larger else BODY_LIMIT


def too_long(content_length: bytes, content_type: bytes, path: str) -> bool:
    """Return whether Content-Length is over the limit. It may have more digits than Python's int() takes."""
    if not content_length.isdigit():
        return False
    return len(content_length.lstrip(b"0")) > MOST_DIGITS or int(content_length) > limit_for(content_type, path)


def asks_who(content_length: int | None, content_type: bytes, path: str) -> bool:
    """Return whether the sender must be known before a body is read. `content_length`: None if it is not sent."""
    kind = content_type.partition(b";")[0].strip().lower()
    is_large = content_length is None or content_length > BODY_LIMIT
    return is_large and kind in FILE_TYPES and limit_for(content_type, path) > BODY_LIMIT


class BodyRefused(Exception):
    """Raised if the body may not be read on."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.title)
        self.refusal = refusal


class BodyLimit:
    """An ASGI wrapper that limits bodies, which ASGI servers do not. `proxies`: the number of our proxies in front.

    Data that the client sends after a refusal is read and dropped for a moment. Closing at once would reset the
    connection, and the client would lose the answer.
    """

    def __init__(self, application: Application, admits: Admits | None = None, *, proxies: int = 0) -> None:
        self.application = application
        self.admits = admits
        self.proxies = proxies
        self.bodies = BodyBytes()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        kind, accept = headers.get(b"content-type", b""), headers.get(b"accept", b"")
        refusal = await self._refusal_of_head(scope, headers.get(b"content-length", b""), kind)
        if refusal is None:
            refusal = await self._run_application(scope, receive, send, limit_for(kind, scope["path"]))
        if refusal is not None:
            await _refuse(receive, send, refusal, kind, accept)

    async def _refusal_of_head(self, scope: MutableMapping[str, Any], length: bytes, kind: bytes) -> Refusal | None:
        path = scope["path"]
        if too_long(length, kind, path):
            return TOO_LARGE
        asks = asks_who(int(length) if length.isdigit() else None, kind, path)
        if asks and self.admits is not None and not await self.admits(path, scope["headers"]):
            return STRANGER
        return None

    async def _run_application(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, limit: int
    ) -> Refusal | None:
        """Run the application. Return the refusal of its body, if there is one, unless the answer has begun."""
        read, started = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            size = len(message.get("body", b""))
            read += size
            if read > limit:
                raise BodyRefused(TOO_LARGE)
            try:
                body.add(size)
            except TooManyBytes as much:
                raise BodyRefused(TOO_MUCH_OF_ADDRESS if much.of == "address" else TOO_MUCH) from much
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        with HeldBody(self.bodies, partial(address_of_scope, scope, self.proxies)) as body:
            try:
                await self.application(scope, counted, watched)
            except BodyRefused as refused:
                return None if started else refused.refusal
        return None


async def _refuse(receive: Receive, send: Send, refusal: Refusal, content_type: bytes, accept: bytes) -> None:
    headers, body = refusal.answer(content_type, accept)
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            await _drop(receive)
    await send({"type": "http.response.body", "body": b""})


async def _drop(receive: Receive) -> None:
    """Read on until the body ends, the client is gone, or LINGER_BYTES are read."""
    dropped, more = 0, True
    while more and dropped <= LINGER_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message.get("more_body", False)
