"""Messages from several places: one at a time, and no task stays when they end."""

import asyncio

import pytest

from wfpush.concurrency.serial_handler import handle_in_turn


class Over(Exception):
    pass


class Handler:
    """Notes what it is given, and raises for the last one."""

    def __init__(self) -> None:
        self.handled: list[str] = []
        self.busy = False

    async def handle(self, message: str) -> None:
        assert not self.busy, "one at a time"
        self.busy = True
        await asyncio.sleep(0)
        self.handled.append(message)
        self.busy = False
        if message == "last":
            raise Over


async def test_messages_of_all_are_handled_one_at_a_time_each_in_its_order() -> None:
    client, layer, handler = asyncio.Queue[str](), asyncio.Queue[str](), Handler()
    for number in range(5):
        client.put_nowait(f"client {number}")
        layer.put_nowait(f"layer {number}")
    running = asyncio.create_task(handle_in_turn([client.get, layer.get], handler.handle))
    async with asyncio.timeout(10):
        while len(handler.handled) < 10:  # noqa: ASYNC110 - nobody tells that the last one is handled
            await asyncio.sleep(0)
    assert [each for each in handler.handled if "client" in each] == [f"client {number}" for number in range(5)]
    assert [each for each in handler.handled if "layer" in each] == [f"layer {number}" for number in range(5)]
    client.put_nowait("last")
    with pytest.raises(Over):
        await running
    layer.put_nowait("unheard")
    await asyncio.sleep(0)
    assert layer.qsize() == 1, "nobody receives any more"


async def test_who_is_cancelled_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    busy = asyncio.Event()

    async def handle(message: str) -> None:
        busy.set()
        await asyncio.Event().wait()

    client, layer = asyncio.Queue[str](), asyncio.Queue[str]()
    client.put_nowait("for ever")
    layer.put_nowait("waits for its turn")
    running = asyncio.create_task(handle_in_turn([client.get, layer.get], handle))
    await busy.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() == before


async def test_who_swallows_a_cancellation_ends_nevertheless() -> None:
    begun = asyncio.Event()

    async def handle(message: str) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return  # as redis-py may

    client = asyncio.Queue[str]()
    client.put_nowait("once")
    running = asyncio.create_task(handle_in_turn([client.get], handle))
    await begun.wait()
    running.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await running
