"""How soon a real Firefox shows an event, on an idle system: beside a message that pywebpush sends straight to it."""

import asyncio
import json
import random
import ssl
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import requests
from pywebpush import webpush

from bench.harness import Api, BenchError, Figure, House, Json, percentile
from bench.live import PATIENCE_SECONDS, task_assigned
from bench.programs import DBUS, FIREFOX
from bench.push_orders import CONTACT
from bench.push_service import Certificates
from tests.pushlab.background import Background
from tests.pushlab.desktop import Desktop
from tests.pushlab.firefox import Firefox
from tests.pushlab.service import Mozilla

EVENTS = 40
WARM_UP = 5
LOOK_SECONDS = 0.001
QUIET_SECONDS = (0.2, 0.4)
MOST = 0.150
WHAT = "One event, idle: 202 to Firefox shows it"
PEER = "pywebpush straight to Firefox"
PASSWORD = "a long walk by the sea"
SUBSCRIPTION = """
return navigator.serviceWorker.ready
  .then((worker) => worker.pushManager.getSubscription()).then((subscription) => subscription.toJSON());
"""


def measure(house: House, certificates: Certificates) -> list[Figure]:
    if lacking := next((needed for needed in (FIREFOX, DBUS) if needed.is_missing()), None):
        why_not = f"not measured: there is no {lacking.program} (Debian: apt-get install {lacking.package})"
        return [Figure(f"{WHAT}, p50", None, why_not, None, "ms")]
    house.manage("create_person", "bob", "--name", "Bob", "--password", PASSWORD)
    try:
        with _firefox(house, certificates) as firefox:
            subscription = _turn_on(firefox)
            ours, peer = asyncio.run(_one_by_one(house, certificates, firefox.desktop, subscription))
    except AssertionError as fault:  # what the push lab says when something does not happen
        raise BenchError(f"Firefox: {fault}") from None
    return [_figure(0.5, ours, peer, most=MOST), _figure(0.99, ours, peer)]


def _figure(share: float, ours: list[float], peer: list[float], most: float | None = None) -> Figure:
    found = percentile(ours, share)
    return Figure(
        f"{WHAT}, p{share * 100:g}",
        found * 1000,
        f"{PEER}, p{share * 100:g}",
        percentile(peer, share) * 1000,
        "ms",
        f"under {most * 1000:g} ms" if most else "",
        found < most if most else None,
    )


# --- Bob's browser --------------------------------------------------------------------------------
@contextmanager
def _firefox(house: House, certificates: Certificates) -> Iterator[Firefox]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server)
    service = Mozilla()
    with ExitStack() as over:
        folder = over.enter_context(tempfile.TemporaryDirectory(prefix="wfpush-bench-", ignore_cleanup_errors=True))
        background = Background()
        over.callback(background.stop)
        background.run(service.start(tls))
        over.callback(lambda: background.run(service.stop()))
        desktop = Desktop(background)
        over.callback(desktop.stop)
        firefox = Firefox(desktop, Path(folder), house.url, service.address)
        firefox.start()
        over.callback(firefox.quit)
        yield firefox


def _turn_on(firefox: Firefox) -> Json:
    """Bob signs in, turns notifications on, and closes the page. Returns his subscription."""
    firefox.open("/sign-in")
    firefox.type("#id_username", "bob")
    firefox.type("#id_password", PASSWORD)
    firefox.click("main button")
    firefox.find("#connection[data-mood=live]")
    firefox.click("main button", "Turn on")
    firefox.find("#push a", "See your devices")
    subscription: Json = firefox.evaluate(SUBSCRIPTION)
    firefox.leave()
    return subscription


# --- one message after the other ------------------------------------------------------------------
async def _one_by_one(
    house: House, certificates: Certificates, desktop: Desktop, subscription: Json
) -> tuple[list[float], list[float]]:
    """Seconds of each, ours and the peer's in turn, with a pause before each in which all comes to rest."""
    ours, peer = [], []
    straight = _Straight(house.environment["VAPID_PRIVATE_KEY"], certificates, subscription)
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        for _ in range(WARM_UP + EVENTS):
            await asyncio.sleep(random.uniform(*QUIET_SECONDS))
            event = task_assigned(assignee="bob")
            await api.call("POST", "/events", event)
            began = time.monotonic()
            ours.append(await asyncio.to_thread(_shown_at, desktop, event["data"]["task"]["name"]) - began)
            await asyncio.sleep(random.uniform(*QUIET_SECONDS))
            title = f"Straight {uuid.uuid4()}"
            began = time.monotonic()
            await asyncio.to_thread(straight.send, title)
            peer.append(await asyncio.to_thread(_shown_at, desktop, title) - began)
    return ours[WARM_UP:], peer[WARM_UP:]


def _shown_at(desktop: Desktop, title: str) -> float:
    """When the desktop has a notification with these words.

    They stay there: Firefox ends the subscription of a site whose notifications are gone within seconds, after a while.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not any(each.says(title) for each in desktop.shown):
        if time.monotonic() > end:
            raise BenchError(f"Firefox does not show {title!r}, but {desktop.history[-3:]}.")
        time.sleep(LOOK_SECONDS)
    return time.monotonic()


class _Straight:
    """pywebpush over one connection that is kept."""

    def __init__(self, vapid_key: str, certificates: Certificates, subscription: Json) -> None:
        self._vapid_key = vapid_key
        self._subscription = subscription
        self._session = requests.Session()
        self._session.trust_env = False  # the surroundings may name other authorities
        self._session.verify = str(certificates.authority)

    def send(self, title: str) -> None:
        """What the service worker shows as a message without buttons (docs/apps.md)."""
        name = str(uuid.uuid4())
        words = {"title": title, "body": "12 chairs for the meeting room.", "lang": "en", "brand": "wfpush"}
        now = {"at": int(time.time() * 1000), "priority": "normal", "state": "info", "unread": 1}
        said = {"v": 1, "kind": "message", "id": name, "tag": name[:32], "link": "/", **words, **now, "device": name}
        webpush(
            subscription_info=self._subscription,
            data=json.dumps(said),
            vapid_private_key=self._vapid_key,
            vapid_claims={"sub": CONTACT},
            ttl=60,
            requests_session=self._session,
        )
