"""Messages a second from one core, over HTTP and TLS: our transport and the tutorials' loop in turn."""

import sys
from dataclasses import dataclass, field
from statistics import median

from bench.harness import BenchError, Figure, House, compared
from bench.push_orders import CONTENT, Order, public_half, subscriptions
from bench.push_service import Certificates, Service, cores, push_service

BROWSERS = 500
ROUNDS = 5
REACH = {"HTTP": 4.5, "TLS": 10.0}


@dataclass
class Sender:
    """A program that is given an order and prints the seconds that it took. `count` messages take it about one."""

    name: str
    command: tuple[str, ...]
    count: int
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.count / median(self.seconds)


def senders() -> list[Sender]:
    ours = (sys.executable, "-m", "bench.inside", "push_sender")
    tutorial = (sys.executable, "-m", "bench.peers.push.tutorial")
    return [Sender("wfpush", ours, 4_000), Sender("pywebpush, one after the other", tutorial, 500)]


def measure(house: House, certificates: Certificates) -> list[Figure]:
    with push_service(house, certificates, pinned=True) as service:
        urls = {"HTTP": service.http, "TLS": service.https}
        return [_figure(house, certificates, service, scheme, url) for scheme, url in urls.items()]


def _figure(house: House, certificates: Certificates, service: Service, scheme: str, url: str) -> Figure:
    """In turn, so that whatever else the machine does slows both of them down."""
    ours, tutorial = both = senders()
    browsers, key = subscriptions(url, BROWSERS), house.environment["VAPID_PRIVATE_KEY"]
    for _ in range(ROUNDS):
        for sender in both:
            order = Order(browsers, sender.count, key, public_half(key))
            sender.seconds.append(send(house, certificates, service, sender, order))
    what = f"Web push, {scheme}, one core"
    return compared(what, ours.rate, tutorial.name, tutorial.rate, "messages/s", least=REACH[scheme])


def send(house: House, certificates: Certificates, service: Service, sender: Sender, order: Order) -> float:
    """Seconds. Raises BenchError unless just these messages arrived, each as long as everybody's."""
    before = service.tally()
    file = str(order.write(house.folder / "order.json"))
    program = house.start(sender.name, *sender.command, file, REQUESTS_CA_BUNDLE=str(certificates.authority))
    program.pin(cores()[0])
    seconds = float(program.finish().strip().splitlines()[-1])
    after = service.tally()
    messages, octets = after.messages - before.messages, after.bytes - before.bytes
    if messages != order.count + order.warm_up or octets != messages * CONTENT:
        raise BenchError(f"{sender.name} was to send {order.count}: {messages} messages, {octets} bytes.")
    return seconds
