"""Our transport sends, as the dispatcher lets it; how many seconds that took. Run by bench.inside."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import uvloop

from bench.harness import Json
from bench.push_orders import Order
from notifications.channels import payload
from notifications.channels.webpush.transport import WebPush
from notifications.types import Message, PushAddress, PushMessage
from wfpush.processes.garbage import tune_garbage_collection

ID = "019ac0de-0000-7000-8000-000000000000"


def main(file: str) -> float:
    tune_garbage_collection()
    return uvloop.run(_send(Order.read(file)))


async def _send(order: Order) -> float:
    transport, message = WebPush(), _message(order.size)
    await _all(transport, message, order, order.warm_up)
    began = time.perf_counter()
    await _all(transport, message, order, order.count)
    seconds = time.perf_counter() - began
    await transport.close()
    return seconds


async def _all(transport: WebPush, message: PushMessage, order: Order, count: int) -> None:
    addresses = iter([_address(each, order) for each in order.targets(count)])
    async with asyncio.TaskGroup() as group:
        for _ in range(order.concurrency):
            group.create_task(_some(transport, message, addresses))


async def _some(transport: WebPush, message: PushMessage, addresses: Iterator[PushAddress]) -> None:
    for address in addresses:
        await transport.send(address, message)


def _address(subscription: Json, order: Order) -> PushAddress:
    keys = subscription["keys"]
    return PushAddress(
        subscription["endpoint"], "endpoint", order.vapid_public, p256dh=keys["p256dh"], auth=keys["auth"]
    )


def _message(size: int) -> PushMessage:
    """Its JSON has so many bytes."""
    room = size - len(payload.encoded(payload.declared(payload.members(_saying("")))))
    assert room >= 0, f"{-room} bytes too many without a brand"
    return _saying("x" * room)


def _saying(words: str) -> PushMessage:
    message = Message(
        notification_id=ID,
        language="en",
        title="Approve invoice 4711",
        body="",
        short_body="Invoice 4711",
        priority="normal",
        category="approval",
        actions=(),
        url="",
        facts=(),
        brand={"name": words},
    )
    return PushMessage(
        kind="message",
        message=message,
        tag="t" * 24,
        link=f"https://p.example/n/{ID}",
        token="",
        ttl=86_400,
        at=datetime(2026, 11, 25, 9, tzinfo=UTC),
        state="info",
        unread=3,
        device=str(UUID(int=7)),
    )
