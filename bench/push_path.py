"""From deliveries that are due to deliveries that are sent and recorded, beside a django-q2 task for each of them.

Two dispatchers and PostgreSQL share two cores: of what one dispatcher alone could send, recording takes its part.
"""

import asyncio
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import psutil
import psycopg

from bench.harness import MANAGE, Api, BenchError, Figure, House, Json, Program, at_once, fetch
from bench.live import task_assigned
from bench.push_orders import Order, subscriptions
from bench.push_service import LOOK_SECONDS, PATIENCE_SECONDS, Service, push_service

PEOPLE = 500
DEVICES_EACH = 2
EVENTS = 12
WARM_UP, DELIVERIES = 2_000, 10_000
PEERS_WARM_UP, PEERS_DELIVERIES = 500, 2_000
DISPATCHERS = 2
REACH = 4.0
GROWTH = 1.2
PEER = "bench.peers.push"
PEER_SETTINGS = {"DJANGO_SETTINGS_MODULE": f"{PEER}.settings"}
_DELIVERIES = re.compile(r'^wfpush_deliveries\{channel="webpush",state="(\w+)"\} ([\d.]+)', re.MULTILINE)


def measure(house: House) -> list[Figure]:
    rate, before, after = ours(house)
    peers_rate = peer(house)
    return [
        Figure(
            f"{DELIVERIES:,} deliveries claimed, sent, recorded by {DISPATCHERS} processes",
            rate,
            "a django-q2 task with pywebpush each, 2 workers",
            peers_rate,
            "deliveries/s",
            f"at least {REACH:g} times the peer",
            rate >= REACH * peers_rate,
        ),
        Figure(
            "Memory of these processes after all deliveries",
            after,
            "the same processes before",
            before,
            "MB",
            f"at most {GROWTH:g} times the peer",
            after <= GROWTH * before,
        ),
    ]


def _until(reached: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        if time.monotonic() > end:
            raise BenchError(f"Not within {PATIENCE_SECONDS:g} s: {what}.")
        time.sleep(LOOK_SECONDS)


def _warm(service: Service, messages: int) -> tuple[int, float]:
    """How many messages came in which nothing is measured, and when the last of them was there."""
    return service.wait_for(messages).messages, time.monotonic()


# --- ours -----------------------------------------------------------------------------------------
def ours(house: House) -> tuple[float, float, float]:
    """Deliveries a second; megabytes of the dispatchers when they are warm, and at the end."""
    total, earlier = WARM_UP + DELIVERIES, _deliveries(house)
    with push_service(house) as service:
        asyncio.run(_register_all(house, service.http))
        asyncio.run(_make_due(house, earlier.get("pending", 0) + total))
        programs = [
            house.start(f"dispatcher {number + 1}", sys.executable, MANAGE, "dispatcher")
            for number in range(DISPATCHERS)
        ]
        sent, began = _warm(service, WARM_UP)
        before = _megabytes(programs)
        service.wait_for(total)
        done = earlier.get("delivered", 0) + total
        _until(lambda: _deliveries(house).get("delivered", 0) >= done, "all deliveries are recorded")
        rate = (total - sent) / (time.monotonic() - began)
        after = _megabytes(programs)
        for program in programs:
            program.stop()
    return rate, before, after


async def _register_all(house: House, service: str) -> None:
    """People with devices, in one team."""
    refs = [f"phone-{number}" for number in range(PEOPLE)]
    browsers = subscriptions(service, PEOPLE * DEVICES_EACH)
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)

        async def register(ref: str, own: list[Json]) -> None:
            person = Api(session, house.url, await api.token_for(ref, ref.title()))
            for browser in own:
                said = {"channel": "webpush", "name": "Firefox on Linux", "subscription": browser}
                await person.call("POST", "/subscriptions", said)

        await at_once([register(ref, browsers[at::PEOPLE]) for at, ref in enumerate(refs)])
        await api.call("PUT", "/teams/phones", {"name": "Phones", "members": refs})


async def _make_due(house: House, pending: int) -> None:
    """Events about all of them, worked off up to what is to be sent."""
    cluster = house.start("cluster", sys.executable, MANAGE, "cluster")
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        for _ in range(EVENTS):
            await api.call("POST", "/events", task_assigned(teams=["phones"]))
    _until(lambda: _deliveries(house).get("pending", 0) >= pending, "all deliveries are due")
    cluster.stop()


def _deliveries(house: House) -> dict[str, int]:
    """Of browsers, by state."""
    return {state: int(float(count)) for state, count in _DELIVERIES.findall(fetch(house.port, "/metrics").decode())}


def _megabytes(programs: list[Program]) -> float:
    return float(sum(psutil.Process(program.process.pid).memory_info().rss for program in programs)) / 1e6


# --- the peer -------------------------------------------------------------------------------------
def peer(house: House) -> float:
    """Deliveries a second."""
    total = PEERS_WARM_UP + PEERS_DELIVERIES
    with push_service(house) as service:
        browsers = subscriptions(service.http, PEOPLE * DEVICES_EACH)
        order = Order(browsers, total, house.environment["VAPID_PRIVATE_KEY"], "")
        file = str(order.write(house.folder / "tasks.json"))
        house.start("peer's tasks", sys.executable, "-m", PEER, file, **PEER_SETTINGS).finish()
        lasting = (sys.executable, "-m", "wfpush.processes.lifeline", "django", "qcluster")
        cluster = house.start("peer's cluster", *lasting, **PEER_SETTINGS)
        sent, began = _warm(service, PEERS_WARM_UP)
        service.wait_for(total)
        with psycopg.connect(house.database_url, autocommit=True) as connection:
            _until(lambda: _sent(connection) >= total, "all of the peer's deliveries are recorded")
        rate = (total - sent) / (time.monotonic() - began)
        cluster.stop()
    return rate


def _sent(connection: "psycopg.Connection[Any]") -> int:
    row = connection.execute("SELECT count(*) FROM push_delivery WHERE state = 'sent'").fetchone()
    return int(row[0]) if row else 0
