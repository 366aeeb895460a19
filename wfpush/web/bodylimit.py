"""Refuses bodies over the limit before they are read into memory: a body of 5 MB, or one without end."""

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

BODY_LIMIT = 1024 * 1024
BATCH_LIMIT = 16 * 1024 * 1024
MOST_DIGITS = 12
BATCH_TYPE = b"application/cloudevents-batch+json"
FILE_TYPES = (b"multipart/form-data", b"application/octet-stream")
"""With these files are sent, and the forms of pages that have files."""
FILE_PATHS = re.compile(r"/api/v1/attachments|/n/[0-9a-f-]{36}/(answer|comment)|/cases/[0-9]+/messages|/a/[^/]+")
"""Only there: a form is read before it is known who sends it."""

PROBLEM = json.dumps(
    {
        "type": "/problems/too_large",
        "title": "Request body too large",
        "status": 413,
        "detail": "A request body may have 1 MiB, a batch of CloudEvents or files 16 MiB. Send less at once.",
        "code": "too_large",
    }
).encode()
PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>413</title>
<p>These files are too large to be sent at once: 16 MB in all are possible. Go back, and send fewer.</p>
<p lang="de">Diese Dateien sind zu gro&szlig;, um sie auf einmal zu senden: m&ouml;glich sind zusammen 16 MB. Gehen Sie
zur&uuml;ck, und senden Sie weniger.</p></html>
"""
"""For browsers that send a form without scripts. Nobody has read who they are, so it has both languages."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


def limit_for(content_type: bytes, path: str) -> int:
    """The largest number of bytes of a body of this type, sent to this path."""
    kind = content_type.partition(b";")[0].strip().lower()
    larger = kind == BATCH_TYPE or (kind in FILE_TYPES and FILE_PATHS.fullmatch(path))
    return BATCH_LIMIT if larger else BODY_LIMIT


def too_long(content_length: bytes, content_type: bytes, path: str) -> bool:
    """Whether Content-Length is over the limit. It may have more digits than Python's int() takes."""
    if not content_length.isdigit():
        return False
    return len(content_length.lstrip(b"0")) > MOST_DIGITS or int(content_length) > limit_for(content_type, path)


def refusal_for(content_type: bytes, accept: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of a 413: a problem, or a page for a browser that has sent a form with files."""
    is_page = content_type.lower().startswith(b"multipart/form-data") and b"text/html" in accept.lower()
    body = PAGE if is_page else PROBLEM
    kind = b"text/html; charset=utf-8" if is_page else b"application/problem+json"
    length = str(len(body)).encode()
    return [(b"content-type", kind), (b"content-length", length), (b"connection", b"close")], body


class TooLarge(Exception):
    """The body went over its limit while it was read."""


class BodyLimit:
    """ASGI wrapper for servers without a limit of their own (`manage.py web` cuts earlier, while it reads)."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        kind, path = headers.get(b"content-type", b""), scope["path"]
        limit = limit_for(kind, path)
        refusal = refusal_for(kind, headers.get(b"accept", b""))
        if too_long(headers.get(b"content-length", b""), kind, path):
            await _refuse(send, *refusal)
            return
        read, started = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.application(scope, counted, watched)
        except TooLarge:
            if not started:
                await _refuse(send, *refusal)


async def _refuse(send: Send, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
