"""Small runs of what is measured of web push, in one house: senders, the way of deliveries, followers."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import followers, push, push_path, push_sends
from bench.harness import BenchError, House
from bench.push_orders import Order, public_half, subscriptions, vapid_key
from bench.push_service import Certificates, issue, push_service
from tests.test_bench import MigratedHouse

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def push_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    certificates = issue(tmp_path_factory.mktemp("authority"))
    own = {"SSL_CERT_FILE": str(certificates.authority), "VAPID_PRIVATE_KEY": vapid_key()}
    with MigratedHouse(works=False, settings=push.LOOPBACK | own) as house:
        yield house


@pytest.mark.parametrize("sender", push_sends.senders(), ids=lambda sender: sender.name)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_sender_sends_what_it_was_ordered(push_house: House, sender: push_sends.Sender, scheme: str) -> None:
    authority = Path(push_house.environment["SSL_CERT_FILE"])
    certificates = Certificates(authority, authority.with_name("server.pem"))
    key = push_house.environment["VAPID_PRIVATE_KEY"]
    with push_service(push_house, certificates) as service:
        browsers = subscriptions(service.http if scheme == "http" else service.https, 3)
        order = Order(browsers, 10, key, public_half(key), warm_up=2)

        assert push_sends.send(push_house, certificates, service, sender, order) > 0
        with pytest.raises(BenchError, match="was to send 10: 12 messages, 13224 bytes"):
            push_sends.send(push_house, certificates, service, sender, replace(order, size=999))


def test_deliveries_are_counted_until_the_last_one_is_recorded(
    push_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"PEOPLE": 20, "WARM_UP": 80, "DELIVERIES": 400, "PEERS_WARM_UP": 2, "PEERS_DELIVERIES": 98}
    for name, number in few.items():
        monkeypatch.setattr(push_path, name, number)

    (rates,) = push_path.measure(push_house)

    assert rates.ours is not None and rates.ours > 1
    assert rates.peer is not None and rates.peer > 1


def test_followers_are_told_in_four_languages(push_house: House) -> None:
    seconds, peak = asyncio.run(followers.told(push_house, 8))

    assert 0 < seconds < 60
    assert 50 < peak < 1_000
