"""From deliveries that are due to deliveries that are sent and recorded, beside a django-q2 task for each of them.

Two dispatchers and PostgreSQL share two cores: of what one dispatcher alone could send, recording takes its part.
"""

import asyncio
import re
import sys
import time

import aiohttp

from bench.api import Api, at_once
from bench.harness import MANAGE, Figure, House, compared, fetch, until
from bench.live import task_assigned
from bench.push_orders import Order, subscriptions
from bench.push_service import push_service

PEOPLE = 500
DEVICES_EACH = 2
EVENTS = 12
WARM_UP, DELIVERIES = 2_000, 10_000
PEERS_WARM_UP, PEERS_DELIVERIES = 500, 2_000
DISPATCHERS = 2
REACH = 4.0
PEER = "bench.peers.push.settings"
PEER_IS = "a django-q2 task with pywebpush each, 2 workers"
_DELIVERIES = re.compile(r'^wfpush_deliveries\{channel="webpush",state="(\w+)"\} ([\d.]+)', re.MULTILINE)


def measure(house: House) -> list[Figure]:
    what = f"{DELIVERIES:,} deliveries claimed, sent, recorded by {DISPATCHERS} processes"
    return [compared(what, _ours(house), PEER_IS, _peer(house), "deliveries/s", least=REACH)]


# --- ours -----------------------------------------------------------------------------------------
def _ours(house: House) -> float:
    """Deliveries a second."""
    total, earlier = WARM_UP + DELIVERIES, _deliveries(house)
    with push_service(house) as service:
        asyncio.run(_make_due(house, service.http, earlier.get("pending", 0) + total))
        command = (sys.executable, MANAGE, "dispatcher")
        programs = [house.start(f"dispatcher {number + 1}", *command) for number in range(DISPATCHERS)]
        sent, began = service.wait_for(WARM_UP).messages, time.monotonic()
        done = earlier.get("delivered", 0) + total
        until(lambda: _deliveries(house).get("delivered", 0) >= done, "all deliveries are recorded")
        rate = (total - sent) / (time.monotonic() - began)
        for program in programs:
            program.stop()
    return rate


async def _make_due(house: House, service: str, pending: int) -> None:
    """Events about people with devices in one team, worked off up to what is to be sent."""
    browsers = subscriptions(service, PEOPLE * DEVICES_EACH)
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        people = await api.make_people("phone", PEOPLE)
        await at_once(
            [api.register_browsers(*person, browsers[at::PEOPLE]) for at, person in enumerate(people.items())]
        )
        await api.call("PUT", "/teams/phones", {"name": "Phones", "members": list(people)})
        cluster = house.start("cluster", sys.executable, MANAGE, "cluster")
        for _ in range(EVENTS):
            await api.call("POST", "/events", task_assigned(teams=["phones"]))
    until(lambda: _deliveries(house).get("pending", 0) >= pending, "all deliveries are due")
    cluster.stop()


def _deliveries(house: House) -> dict[str, int]:
    """Of browsers, by state."""
    return {state: int(float(count)) for state, count in _DELIVERIES.findall(fetch(house.port, "/metrics").decode())}


# --- the peer -------------------------------------------------------------------------------------
def _peer(house: House) -> float:
    """Deliveries a second."""
    total = PEERS_WARM_UP + PEERS_DELIVERIES
    with push_service(house) as service:
        browsers = subscriptions(service.http, PEOPLE * DEVICES_EACH)
        order = Order(browsers, total, house.environment["VAPID_PRIVATE_KEY"], "")
        file = str(order.write(house.folder / "tasks.json"))
        house.inside("peers.push.order", file, DJANGO_SETTINGS_MODULE=PEER)
        with house.running("peer's cluster", "django", "qcluster", settings=PEER):
            sent, began = service.wait_for(PEERS_WARM_UP).messages, time.monotonic()
            recorded = "SELECT count(*) FROM push_delivery WHERE state = 'sent'"
            until(lambda: house.one(recorded) >= total, "all of the peer's deliveries are recorded")
            return (total - sent) / (time.monotonic() - began)
