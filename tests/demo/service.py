"""The demo engine as a program sees it: its pages, its API, and signed callbacks to it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook

from demo.__main__ import build
from demo.config import Settings
from demo.engine import Engine
from demo.people import person
from demo.sender import Connection
from demo.server import CONNECTION, ENGINE
from demo.store import Store

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()

Value = TypeVar("Value")
Json = dict[str, Any]


async def eventually(condition: Callable[[], Value], what: str, within: float = 15.0) -> Value:
    """The first true value of `condition`; AssertionError naming `what` after `within` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not (value := condition()):
        assert loop.time() < end, f"not within {within:g} s: {what}"
        await asyncio.sleep(0.01)
    return value


def callback_body(
    task_id: str,
    action: str,
    by: str = "bob",
    comment: str | None = None,
    key: str = "r-1",
    asked: str = "",
    **more: Any,
) -> bytes:
    """`task.responded` as the contract has it."""
    who = person(by)
    data: dict[str, Any] = {
        "task_id": task_id,
        "case_id": "4711",
        "action": action,
        "outcome": action,
        "comment": comment,
        "variables": {},
        "responded_by": {"ref": who.ref, "name": who.name},
        "responded_at": "2026-11-25T14:02:00Z",
        "via": "inbox",
        "event": {"id": "invoice-1.5", "source": "urn:wfpush:demo"},
        "notification_id": "n-1",
    }
    data.update(more)
    if asked:
        data["asked"] = {"ref": asked, "name": person(asked).name}
    event = {"specversion": "1.0", "id": key, "source": "wfpush", "type": "task.responded", "subject": task_id}
    return json.dumps({**event, "time": "2026-11-25T14:02:00Z", "data": data}).encode()


def described(file_id: str, name: str, kind: str) -> Json:
    """A file as callbacks list it."""
    url = f"https://wfpush.example/api/v1/attachments/{file_id}"
    return {"id": file_id, "name": name, "type": kind, "size": 70, "url": url}


def message_body(task_id: str, text: str, by: str = "alice", key: str = "m-1", **more: Any) -> bytes:
    """`task.message` as the contract has it."""
    who = {"ref": by, "name": person(by).name}
    message = {"id": key, "kind": "reply", "text": text, "by": who, "for": [], "reply_to": "r-1", "via": "inbox"}
    message.update(more)
    event = {"specversion": "1.0", "id": key, "source": "wfpush", "type": "task.message", "subject": task_id}
    return json.dumps({**event, "data": {"task_id": task_id, "case_id": "4711", "message": message}}).encode()


def signed(body: bytes, key: str, at: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers of Standard Webhooks for that body."""
    moment = at or datetime.now(UTC)
    return {
        "Content-Type": "application/cloudevents+json",
        "webhook-id": key,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, moment, body.decode()),
    }


class Service:
    """A running demo engine."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client
        self.keys = 0

    @property
    def app(self) -> web.Application:
        server = self.client.server
        assert isinstance(server, TestServer)
        return server.app

    @property
    def engine(self) -> Engine:
        return self.app[ENGINE]

    @property
    def connection(self) -> Connection:
        return self.app[CONNECTION]

    async def start(self, process: str = "invoice_approval", sample: str | None = None, **data: Any) -> Json:
        body = {"process": process, "data": data, "sample": sample}
        async with self.client.post("/api/instances", json=body) as response:
            assert response.status == 201, await response.text()
            started: Json = await response.json()
            return started

    async def instance(self, instance_id: str) -> Json:
        async with self.client.get(f"/api/instances/{instance_id}") as response:
            assert response.status == 200
            found: Json = await response.json()
            return found

    async def answer(
        self, task_id: str, action: str, by: str = "bob", comment: str | None = None, key: str | None = None
    ) -> tuple[int, Json]:
        self.keys += 1
        key = key or f"response-{self.keys}"
        body = callback_body(task_id, action, by, comment, key)
        return await self.call_back(body, signed(body, key))

    async def call_back(self, body: bytes, headers: dict[str, str]) -> tuple[int, Json]:
        async with self.client.post("/callback", data=body, headers=headers) as response:
            return response.status, await response.json()

    async def press(self, path: str, *, origin: str | None = "", **fields: str) -> tuple[int, str]:
        """Sends a form as a browser does from the engine's own page, and follows the redirect."""
        own = str(self.client.make_url("/")).rstrip("/")
        headers = {"Origin": own if origin == "" else origin} if origin is not None else {}
        async with self.client.post(path, data=fields, headers=headers) as response:
            return response.status, await response.text()

    async def page(self, path: str) -> str:
        async with self.client.get(path) as response:
            assert response.status == 200
            return await response.text()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """The engine while it runs, in this process."""
    store = Store(settings.data)
    store.open()
    try:
        async with TestClient(TestServer(build(settings, store))) as client:
            yield Service(client)
    finally:
        store.close()
