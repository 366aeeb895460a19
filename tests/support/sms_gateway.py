"""A provider's HTTP gateway for text messages on loopback. It keeps what it got, and answers as it is told."""

import asyncio
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.pushlab.background import hosted

TOKEN = "k7/+&=secret"
STATUS_SECRET = "what the gateway signs with"


@dataclass
class Reply:
    """`breaks_off`: the connection ends when the request was read, and no answer comes."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    breaks_off: bool = False


@dataclass
class SmsGateway:
    """`replies` come one after the other, then every message is taken under a new id."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Method and headers of every request."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        self.asked.append((request.method, dict(request.headers)))
        reply = self.replies.pop(0) if self.replies else None
        if reply is not None and reply.breaks_off:
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(60)
        if reply is not None:
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            return web.Response(status=reply.status, text=text, headers=reply.headers)
        json_given = request.content_type == "application/json"
        self.taken.append(json.loads(body) if json_given else dict(parse_qsl(body, strict_parsing=True)))
        return web.json_response({"messages": [{"id": f"m-{len(self.taken)}", "status": 0}]})


@contextmanager
def sms_gateway_on_loopback() -> Iterator[SmsGateway]:
    gateway, application = SmsGateway(), web.Application()
    application.router.add_route("*", "/{path:.*}", gateway.handle)
    with hosted(application) as url:
        gateway.url = f"{url}/v1/messages"
        yield gateway


def signed(body: bytes, *, secret: str = STATUS_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of a call with a status."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return {"X-Timestamp": stamp, "X-Signature": digest}
