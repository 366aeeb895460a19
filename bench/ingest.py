"""How many events are accepted a second, one by one and in batches, beside the same endpoint written the usual way."""

import asyncio
import json
import sys
import time
from itertools import count
from typing import Any

from bench.harness import HOST, BenchError, Figure, House, Json, free_port, median, takes_calls

CONNECTIONS = 16
ROUNDS = 3
SINGLES = 500
BATCHES = 40
BATCH = 100
WARM_UP = 100
JSON = "application/json"
BATCH_TYPE = "application/cloudevents-batch+json"
PEER = "bench.peers.ingest"
SINGLES_REACH, BATCHES_REACH = 4.0, 2.0

_numbers = count(1)


def event() -> Json:
    """An event of about 900 bytes, a new one each time."""
    number = next(_numbers)
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/engines/bench",
        "type": "task.assigned",
        "subject": f"T-{number}",
        "time": "2026-11-25T09:00:00Z",
        "data": {
            "task": {
                "id": f"T-{number}",
                "name": "Approve invoice 4711",
                "description": "12 chairs for the meeting room, delivered on Monday.",
                "kind": "approval",
                "assignee": "bob",
                "candidates": ["carol"],
                "teams": ["finance"],
                "initiator": "alice",
                "due_at": "2026-11-25T16:00:00Z",
                "priority": "high",
                "url": f"https://engine.example/tasks/T-{number}",
                "actions": ["acknowledge", "approve", "reject", "request_info"],
            },
            "case": {"id": "4711", "title": "Invoice 4711", "type": "invoice", "status": "under_review"},
            "documents": [{"title": "Invoice", "url": "https://engine.example/documents/4711"}],
            "recipients": ["erin"],
            "variables": {"amount": 1200.5, "currency": "EUR", "cost_centre": "C-100"},
        },
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

    async def _connection(self, bodies: Any, content_type: str) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port)
        try:
            for body in bodies:
                writer.write(self._head.format(content_type, len(body)).encode() + body)
                await _accepted(reader)
        finally:
            writer.close()


async def _accepted(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length.partition(b":")[2]))
    if not head.startswith(b"HTTP/1.1 202"):
        raise BenchError(f"An event was not accepted: {head.decode()}{body[:500].decode()}")


def start_peer(house: House) -> int:
    """The peer on daphne, in the same PostgreSQL. Returns its port."""
    settings = {"DJANGO_SETTINGS_MODULE": f"{PEER}.settings"}
    house.start("peer's tables", sys.executable, "-m", PEER, house.api_key, **settings).finish()
    port = free_port()
    command = (
        sys.executable,
        "-m",
        "wfpush.processes.lifeline",
        "daphne",
        "-v",
        "0",
        "-b",
        HOST,
        "-p",
        str(port),
        f"{PEER}.asgi:application",
    )
    house.start("peer", *command, **settings).wait_until(lambda: takes_calls(port), "up")
    return port


async def measure(house: House) -> list[Figure]:
    """In turn, so that other load on the machine slows both down."""
    ours, peer = Sender(house.port, house.api_key), Sender(start_peer(house), house.api_key)
    for sender in (ours, peer):
        await sender.rate(_singles(WARM_UP), JSON)
    singles = [await _pair(ours, peer, _singles(SINGLES), _singles(SINGLES), JSON) for _ in range(ROUNDS)]
    batches = [await _pair(ours, peer, _batches(BATCHES), _batches(BATCHES), BATCH_TYPE) for _ in range(ROUNDS)]
    return [
        _figure(f"single events accepted, {CONNECTIONS} connections", singles, 1, SINGLES_REACH),
        _figure(f"events accepted in batches of {BATCH}", batches, BATCH, BATCHES_REACH),
    ]


async def _pair(
    ours: Sender, peer: Sender, our_bodies: list[bytes], peers_bodies: list[bytes], our_type: str
) -> tuple[float, float]:
    """Requests a second of both. The peer tells a batch by its body and reads `application/json` only."""
    return await ours.rate(our_bodies, our_type), await peer.rate(peers_bodies, JSON)


def _singles(number: int) -> list[bytes]:
    return [json.dumps(event()).encode() for _ in range(number)]


def _batches(number: int) -> list[bytes]:
    return [json.dumps([event() for _ in range(BATCH)]).encode() for _ in range(number)]


def _figure(what: str, pairs: list[tuple[float, float]], weight: int, reach: float) -> Figure:
    ours = median([pair[0] for pair in pairs]) * weight
    peer = median([pair[1] for pair in pairs]) * weight
    return Figure(
        what=what,
        ours=ours,
        peer=peer,
        peer_is="DRF ModelSerializer on daphne, default settings",
        unit="events/s",
        target=f"at least {reach:g} times the peer",
        met=ours >= reach * peer,
    )


if __name__ == "__main__":
    with House(works=False) as house:
        for figure in asyncio.run(measure(house)):
            print(figure)
