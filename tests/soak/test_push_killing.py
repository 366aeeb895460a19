"""Dispatchers are killed while they send push messages, and nothing is lost.

Virtual browsers decrypt what reaches them. `make soak` sends 5,000 messages and kills all dispatchers ten times; else
it is a short run.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from tests.soak.installation import LONG, Installation, event, installed
from tests.soak.proof import proved
from tests.support.calls import Caller
from tests.support.devices import PushHost, push_host
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

PEOPLE, BROWSERS = (25, 4) if LONG else (6, 2)
EVENTS = 50 if LONG else 10
KILLS = 10 if LONG else 1
DISPATCHERS = 2
MESSAGES = PEOPLE * BROWSERS * EVENTS
UNDER_WAY = 128 * DISPATCHERS
"""Messages that may be on their way to one service when all dispatchers are killed."""
PATIENCE = 600.0 if LONG else 180.0


class PushInstallation(Installation):
    """With dispatchers, and people with browsers."""

    worker_options = ("--dispatchers", str(DISPATCHERS))

    def browsers_of(self, ref: str, host: PushHost) -> None:
        """A person who turns notifications on in several browsers."""
        self.put_person(ref)
        _, answer = self.engine.insist("POST", f"/api/v1/recipients/{ref}/tokens")
        person = Caller(self.port, str(answer["token"]))
        for number in range(BROWSERS):
            name = f"{ref}-{number}"
            address = host.open(name).address(f"{host.url}/{name}")
            keys = {"p256dh": address.p256dh, "auth": address.auth}
            said = {"channel": "webpush", "subscription": {"endpoint": address.address, "keys": keys}}
            status, answer = person.insist("POST", "/api/v1/subscriptions", said)
            assert status == 201, answer

    def kill_dispatchers(self) -> None:
        """All of them at once; the worker starts them again."""
        before = self.dispatchers()
        for process in before:
            process.send_signal(signal.SIGKILL)
        eventually(
            lambda: len(self.dispatchers()) == DISPATCHERS and not before & self.dispatchers(),
            "there are others",
            within=PATIENCE,
        )

    def dispatchers(self) -> set[psutil.Process]:
        return set(self.house.named("dispatcher"))


@pytest.fixture
def host() -> Iterator[PushHost]:
    with push_host() as started:
        yield started


@pytest.fixture
def installation(host: PushHost) -> Iterator[PushInstallation]:
    with installed(PushInstallation, PUSH_ALLOWED_CIDRS="127.0.0.0/8") as made:
        for number in range(PEOPLE):
            made.browsers_of(f"person-{number}", host)
        yield made


def assigned_to_all(number: int) -> dict[str, Any]:
    everybody = [f"person-{each}" for each in range(PEOPLE)]
    task = {"id": f"T-{number}", "name": f"Approve invoice {number}", "kind": "approval", "candidates": everybody}
    return event(f"e-{number}", task=task)


def test_every_browser_reads_every_message_however_often_dispatchers_die(
    installation: PushInstallation, host: PushHost
) -> None:
    here, path, kind = installation, "/api/v1/events", "application/cloudevents+json"
    all_events = [assigned_to_all(number) for number in range(EVENTS)]
    with ThreadPoolExecutor(2) as threads:
        sending = [threads.submit(here.engine.insist, "POST", path, each, kind=kind) for each in all_events]
        for kill in range(1, KILLS + 1):
            share = MESSAGES * kill // (KILLS + 1)
            eventually(lambda share=share: host.count >= share, f"{share} have arrived", within=PATIENCE)
            here.kill_dispatchers()
        for sent in sending:
            assert sent.result(PATIENCE)[0] in (200, 202)

    eventually(lambda: len(arrived(host)) == MESSAGES, f"all {MESSAGES} are read", within=PATIENCE)
    eventually(lambda: states(here) == {"delivered": MESSAGES}, "all are recorded", within=PATIENCE)
    twice = sum(arrived(host).values()) - MESSAGES
    assert twice <= KILLS * UNDER_WAY, "only what was under way may come again"
    for name in host.names:
        shown = host.shown(name)
        assert len({(each["id"], each["Topic"]) for each in shown}) == EVENTS, "the same message has the same Topic"
    ledger = here.house.run("doctor", "--ledger").said
    made = PEOPLE * EVENTS * (2 + BROWSERS)
    assert f"webpush: {MESSAGES} delivered\n" in ledger, ledger
    assert f"made by events: {made}; accounted for: {made}\n" in ledger, ledger
    proved(
        f"{KILLS} times all {DISPATCHERS} dispatchers killed: {MESSAGES} push messages, each decrypted by its browser,"
        f" {twice} of them twice with the same Topic; {made} rows made, {made} accounted for"
    )


def arrived(host: PushHost) -> Counter[tuple[str, str]]:
    """How often each browser has read each message."""
    return Counter((name, shown["id"]) for name in host.names for shown in list(host.shown(name)))


def states(here: PushInstallation) -> dict[str, int]:
    rows = here.house.rows(
        "SELECT state, count(*) FROM notifications_delivery WHERE channel = 'webpush' GROUP BY state"
    )
    return {str(state): int(str(number)) for state, number in rows}
