"""Open inboxes: sockets to the real application, in this process."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from notifications.inbox import socket_limits
from notifications.models import Recipient, RecipientToken
from wfpush.asgi import application
from wfpush.crypto import digest_of, new_recipient_token

OURS = b"http://127.0.0.1:8000"


async def close_sockets_connections() -> None:
    """In every thread: they wait for each other, so that each takes one call."""
    met = threading.Barrier(socket_limits.THREADS)

    def close() -> None:
        met.wait(timeout=30)
        connections.close_all()

    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(socket_limits.pool, close) for _ in range(socket_limits.THREADS)))


def cookie_of(person: Recipient) -> bytes:
    client = Client()
    client.force_login(person.user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()


def token_of(person: Recipient) -> str:
    token = new_recipient_token()
    RecipientToken.objects.create(
        recipient=person, prefix=token[:8], digest=digest_of(token), expires_at=timezone.now() + timedelta(days=1)
    )
    return token


@asynccontextmanager
async def socket(*headers: tuple[bytes, bytes]) -> AsyncIterator[WebsocketCommunicator]:
    communicator = WebsocketCommunicator(application, "/ws/inbox", headers=[(b"host", b"127.0.0.1:8000"), *headers])
    connected, _ = await communicator.connect(timeout=10)
    assert connected
    try:
        yield communicator
    finally:
        await communicator.disconnect()
        channel_layers.backends.clear()


@asynccontextmanager
async def inbox_of(
    person: Recipient, after: int = 0
) -> AsyncIterator[tuple[WebsocketCommunicator, list[dict[str, Any]]]]:
    """A signed-in socket that has resumed, and what it was sent up to `synced`."""
    cookie = await database_sync_to_async(cookie_of)(person)
    async with socket((b"origin", OURS), (b"cookie", cookie)) as communicator:
        yield communicator, await resume(communicator, after)


async def resume(communicator: WebsocketCommunicator, after: Any) -> list[dict[str, Any]]:
    await communicator.send_to(text_data=json.dumps({"type": "resume", "after": after}))
    frames = [await frame(communicator)]
    while frames[-1]["type"] not in ("synced", "error"):
        frames.append(await frame(communicator))
    return frames


async def frame(communicator: WebsocketCommunicator) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(await communicator.receive_from(timeout=10))
    return said


async def close_code(communicator: WebsocketCommunicator) -> int:
    message = await communicator.receive_output(timeout=10)
    assert message["type"] == "websocket.close", message
    code: int = message["code"]
    return code
