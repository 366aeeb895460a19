"""How many events are accepted a second, one by one and in batches, beside the same endpoint written the usual way."""

import asyncio
import json
import time
from collections.abc import Iterator
from statistics import median

from bench.harness import HOST, BenchError, Figure, House, Json, compared
from bench.live import task_assigned

CONNECTIONS = 16
ROUNDS = 3
SINGLES = 500
BATCHES = 40
BATCH = 100
WARM_UP = 100
JSON = "application/json"
BATCH_TYPE = "application/cloudevents-batch+json"
PEER = "bench.peers.ingest.settings"
PEER_IS = "DRF ModelSerializer on daphne, default settings"
SINGLES_REACH, BATCHES_REACH = 4.0, 2.0
TASK = {
    "assignee": "bob",
    "candidates": ["carol"],
    "teams": ["finance"],
    "initiator": "alice",
    "due_at": "2026-11-25T16:00:00Z",
    "priority": "high",
    "url": "https://engine.example/tasks/4711",
}
DATA = {
    "documents": [{"title": "Invoice", "url": "https://engine.example/documents/4711"}],
    "recipients": ["erin"],
}


class Sender:
    """One server's address for events; a client as lean as can be, since it shares the machine with the server."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = (
            f"POST /api/v1/events HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\nContent-Type: {{}}\r\n"
            "Content-Length: {}\r\n\r\n"
        )

    async def rate(self, bodies: list[bytes], content_type: str) -> float:
        """Requests a second over CONNECTIONS kept-alive connections. Raises BenchError unless all are accepted."""
        waiting = iter(bodies)
        began = time.perf_counter()
        await asyncio.gather(*(self._connection(waiting, content_type) for _ in range(CONNECTIONS)))
        return len(bodies) / (time.perf_counter() - began)

    async def _connection(self, bodies: Iterator[bytes], content_type: str) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port)
        try:
            for body in bodies:
                writer.write(self._head.format(content_type, len(body)).encode() + body)
                await _read_acceptance(reader)
        finally:
            writer.close()


async def _read_acceptance(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length.partition(b":")[2]))
    if not head.startswith(b"HTTP/1.1 202"):
        raise BenchError(f"An event was not accepted: {head.decode()}{body[:500].decode()}")


async def measure(house: House) -> list[Figure]:
    """In turn, so that other load on the machine slows both down."""
    house.inside("peers.ingest.tables", house.api_key, DJANGO_SETTINGS_MODULE=PEER)
    with house.daphne("bench.peers.ingest.asgi:application", PEER) as port:
        ours, peer = Sender(house.port, house.api_key), Sender(port, house.api_key)
        for sender in (ours, peer):
            await sender.rate(_bodies(WARM_UP, 1), JSON)
        return [
            await _figure(f"single events accepted, {CONNECTIONS} connections", ours, peer, SINGLES, 1),
            await _figure(f"events accepted in batches of {BATCH}", ours, peer, BATCHES, BATCH),
        ]


async def _figure(what: str, ours: Sender, peer: Sender, number: int, size: int) -> Figure:
    """The peer tells a batch by its body and reads `application/json` only."""
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        rates[0].append(size * await ours.rate(_bodies(number, size), BATCH_TYPE if size > 1 else JSON))
        rates[1].append(size * await peer.rate(_bodies(number, size), JSON))
    reach = BATCHES_REACH if size > 1 else SINGLES_REACH
    return compared(what, median(rates[0]), PEER_IS, median(rates[1]), "events/s", least=reach)


def _bodies(number: int, size: int) -> list[bytes]:
    """Single events, or batches of `size`."""
    return [json.dumps([_event() for _ in range(size)] if size > 1 else _event()).encode() for _ in range(number)]


def _event() -> Json:
    """Of about 900 bytes, a new one each time."""
    event = task_assigned(**TASK)
    event |= {"subject": event["data"]["task"]["id"], "time": "2026-11-25T09:00:00Z"}
    event["data"] |= DATA
    return event
