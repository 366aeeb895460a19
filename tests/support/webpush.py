"""A browser and its push service on loopback, which reads messages with another implementation than ours."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import http_ece
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from py_vapid.utils import b64urlencode

from notifications.types import Action, Json, Message, PushAddress, PushMessage
from tests.support.engines import engine
from wfpush.security import vapid_keys

TOKEN = "wfa_" + "t" * 43
LINK = "https://push.example.com/n/0195-42"


class Browser:
    """Alice's: it subscribes, and reads what was meant for it."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)

    def address(self, url: str, sender: str = "") -> PushAddress:
        point = vapid_keys.public_key(Vapid02(self.key))
        return PushAddress(url, "endpoint", sender, p256dh=point, auth=b64urlencode(self.auth))

    def read(self, body: bytes) -> Json:
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        found: Json = json.loads(plain)
        return found


@dataclass
class PushService:
    """`answers` are statuses, or responses made by the test, one after the other; the last one stays."""

    url: str = ""
    answers: list[int | Callable[[], web.Response]] = field(default_factory=lambda: [201])
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.StreamResponse:
        self.calls.append((dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=answer) if isinstance(answer, int) else answer()


@asynccontextmanager
async def push_service(*answers: int | Callable[[], web.Response]) -> AsyncIterator[PushService]:
    service = PushService()
    if answers:
        service.answers = list(answers)
    async with engine(service.receive) as server:
        service.url = str(server.make_url("/push/alice"))
        yield service


def said(status: int, body: str = "", **headers: str) -> Callable[[], web.Response]:
    return lambda: web.Response(
        status=status, text=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


APPROVE = Action("approve", "Approve", "final", "none")
REJECT = Action("reject", "Reject", "final", "required")
MESSAGE = Message(
    notification_id="0195-42",
    language="en",
    title="Approve invoice 4711",
    body="Long, with all that only Alice may read.",
    short_body="Acme wants 1,200.50 € by Friday.",
    priority="normal",
    category="approval",
    actions=(APPROVE, REJECT),
    url="",
    facts=(),
    brand={"name": "Acme", "logo_url": "https://acme.example/logo.svg"},
)
PUSH = PushMessage(
    kind="message",
    message=MESSAGE,
    tag="Zm9vYmFyMTIzNDU2Nzg5MA",
    link=LINK,
    token=TOKEN,
    ttl=3600,
    at=datetime(2026, 11, 25, 16, tzinfo=UTC),
    state="open",
    unread=3,
    device="0195-7",
)
