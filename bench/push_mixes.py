"""How soon the devices that work hear of an event, of 300 on one push service of which others fail in all ways.

Beside pywebpush in a pool of 50 threads. Both send to the same devices in turn, those that fail first; every event of a
mix is for the same 300, and at the first nobody knows which of them fail.
"""

import asyncio
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.harness import HOST, Api, Figure, House, Json, at_once, free_port, takes_calls
from bench.live import task_assigned
from bench.push_orders import Order, public_half, subscriptions
from bench.push_service import LOOK_SECONDS, Certificates, issue

DEVICES = 300
EVENTS = 3
SOON = 2.0
PATIENCE_SECONDS = 30.0
"""How long the last is waited for."""
PEER = "pywebpush, 50 at a time"
Mix = dict[str, int]
"""How many behave in each manner but ok. `untrusted`: no secure connection can be made."""

MIXES: dict[str, Mix] = {
    "one answers 500": {"broken": 1},
    "half answer 500": {"broken": 150},
    "half hang": {"hangs": 150},
    "half take 1.5 s": {"slow": 150},
    "half are asked too much (429)": {"busy": 150},
    "half refuse TLS": {"untrusted": 150},
    "half fail, 25 in each way": dict.fromkeys(("gone", "slow", "hangs", "busy", "broken", "untrusted"), 25),
    "nine in ten fail, 45 in each way": dict.fromkeys(("gone", "slow", "hangs", "busy", "broken", "untrusted"), 45),
}


def measure(house: House, certificates: Certificates) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wfpush-bench-") as folder:
        strange = issue(Path(folder))
        return [_figure(name, *asyncio.run(_take_turns(house, certificates, strange, name))) for name in MIXES]


def _figure(name: str, ours: float, peer: float) -> Figure:
    what = f"300 devices, {name}: the last that works hears, worst of {EVENTS} events"
    return Figure(what, ours, PEER, peer, "s", f"under {SOON:g} s", ours < SOON)


# --- virtual devices ------------------------------------------------------------------------------
@dataclass(frozen=True)
class Crowd:
    """Where the devices are, and who tells what they got."""

    session: aiohttp.ClientSession
    tls: ssl.SSLContext
    url: str
    strange_url: str

    def devices(self, mix: Mix) -> list[Json]:
        """Subscriptions of all of them, those that fail first."""
        failing = [manner for manner, count in mix.items() for _ in range(count)]
        manners = failing + ["ok"] * (DEVICES - len(failing))
        keys = subscriptions(self.url, len(manners))
        return [
            each | {"endpoint": f"{self.strange_url if manner == 'untrusted' else self.url}/{manner}/{number}"}
            for number, (manner, each) in enumerate(zip(manners, keys, strict=True))
        ]

    async def forget(self) -> None:
        async with self.session.delete(self.url, ssl=self.tls) as response:
            response.raise_for_status()

    async def last_of(self, healthy: int, since: float) -> float:
        """Seconds until all that work had been reached; PATIENCE_SECONDS if they were not by then."""
        while time.monotonic() - since < PATIENCE_SECONDS:
            async with self.session.get(self.url, ssl=self.tls) as response:
                reached: dict[str, float] = await response.json()
            moments = [at for path, at in reached.items() if path.startswith("/ok/")]
            if len(moments) == healthy:
                return max(moments) - since
            await asyncio.sleep(LOOK_SECONDS)
        return PATIENCE_SECONDS


@contextmanager
def _crowd_at(house: House, certificates: Certificates, strange: Certificates) -> Iterator[tuple[int, int]]:
    """A push service of its own for each mix: what one is known for says nothing of the next."""
    port, strange_port = free_port(), free_port()
    doors = (str(port), str(certificates.server), str(strange_port), str(strange.server))
    program = house.start("virtual devices", sys.executable, "-m", "bench.push_crowd", *doors)
    program.wait_until(lambda: takes_calls(port) and takes_calls(strange_port), "up")
    try:
        yield port, strange_port
    finally:
        program.stop()


# --- events ---------------------------------------------------------------------------------------
async def _take_turns(
    house: House, certificates: Certificates, strange: Certificates, name: str
) -> tuple[float, float]:
    """The longest that anybody whose device works waited; with ours, and with the peer."""
    healthy = DEVICES - sum(MIXES[name].values())
    team = "team-" + "".join(letter if letter.isalnum() else "-" for letter in name.lower())
    tls = ssl.create_default_context(cafile=str(certificates.authority))
    with _crowd_at(house, certificates, strange) as (port, strange_port):
        async with aiohttp.ClientSession() as session:
            crowd = Crowd(session, tls, f"https://{HOST}:{port}", f"https://{HOST}:{strange_port}")
            devices = crowd.devices(MIXES[name])
            api = Api(session, house.url, house.api_key)
            await _turn_on(house, session, api, team, devices)
            ours, peer = [], []
            for _ in range(EVENTS):
                ours.append(await _told_by_us(api, team, crowd, healthy))
                peer.append(await _told_by_peer(house, certificates, devices, crowd, healthy))
    return max(ours), max(peer)


async def _turn_on(house: House, session: aiohttp.ClientSession, api: Api, team: str, devices: list[Json]) -> None:
    """Everybody in a new team has one of these browsers."""
    refs = [f"{team}-{number}" for number in range(len(devices))]

    async def register(ref: str, browser: Json) -> Any:
        person = Api(session, house.url, await api.token_for(ref, ref.title()))
        said = {"channel": "webpush", "name": "Firefox on Linux", "subscription": browser}
        return await person.call("POST", "/subscriptions", said)

    await at_once([register(ref, browser) for ref, browser in zip(refs, devices, strict=True)])
    await api.call("PUT", f"/teams/{team}", {"name": team, "members": refs})


async def _told_by_us(api: Api, team: str, crowd: Crowd, healthy: int) -> float:
    """From the 202."""
    await crowd.forget()
    await api.call("POST", "/events", task_assigned(teams=[team]))
    return await crowd.last_of(healthy, time.monotonic())


async def _told_by_peer(
    house: House, certificates: Certificates, devices: list[Json], crowd: Crowd, healthy: int
) -> float:
    """From the first message of a program that is up and has read its orders."""
    await crowd.forget()
    key = house.environment["VAPID_PRIVATE_KEY"]
    file = Order(devices, len(devices), key, public_half(key), warm_up=0).write(house.folder / "crowd.json")
    command = (sys.executable, "-m", "bench.peers.push.at_once", str(file))
    program = house.start("peer", *command, REQUESTS_CA_BUNDLE=str(certificates.authority))
    await asyncio.to_thread(program.wait_until, lambda: bool(program.said), "up")
    took = await crowd.last_of(healthy, float(program.said.split()[0]))
    program.stop()
    return took
