"""Messages a second from one core, over HTTP and TLS: our transport, the tutorials' loop, Node's web-push in turn."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.harness import ROOT, BenchError, Figure, House, median
from bench.pinned import PINNED, cores
from bench.programs import NPM
from bench.push_orders import CONTENT, Order, Took, public_half, subscriptions
from bench.push_service import Certificates, Service, push_service

BROWSERS = 500
ROUNDS = 5
REACH, REACH_NODE, REACH_TLS = 4.5, 3.5, 10.0
WEB_PUSH = "web-push@3.6.7"
INSTALL_SECONDS = 120.0
TUTORIAL, NODE = "pywebpush, one after the other", "node web-push"


@dataclass
class Sender:
    """A program that is given an order. `count`: how many messages take it about a second."""

    name: str
    command: tuple[str, ...]
    count: int
    took: list[Took] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median([self.count / each.seconds for each in self.took])

    @property
    def milliseconds(self) -> float:
        """Of the processor, for one message."""
        return median([1000 * each.processor / self.count for each in self.took])


def measure(house: House, certificates: Certificates) -> list[Figure]:
    environment, why_not = _node(house)
    environment |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(certificates.authority))
    with push_service(house, certificates, pinned=True) as service:
        plain = _rounds(house, environment, service, lambda each: each.http, has_node=not why_not)
        tls = _rounds(house, environment, service, lambda each: each.https, has_node=not why_not)
    return [
        *_figures("HTTP", plain, {TUTORIAL: REACH, NODE: REACH_NODE}, why_not),
        *_figures("TLS", tls, {TUTORIAL: REACH_TLS}, why_not),
    ]


def _node(house: House) -> tuple[dict[str, str], str]:
    """Where Node finds web-push, or why it cannot be measured."""
    folder = house.folder / "node"
    if NPM.is_missing():
        return {}, "not measured: there is no npm"
    folder.mkdir()
    install = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), WEB_PUSH)
    try:
        house.start("npm install", *install).finish(INSTALL_SECONDS)
    except BenchError:
        return {}, f"not measured: npm cannot install {WEB_PUSH}"
    return {"NODE_PATH": str(folder / "node_modules")}, ""


def senders(*, has_node: bool) -> list[Sender]:
    ours = Sender("wfpush", (sys.executable, "-m", "bench.push_sender"), 4000)
    tutorial = Sender(TUTORIAL, (sys.executable, "-m", "bench.peers.push.tutorial"), 500)
    node = Sender(NODE, ("node", str(ROOT / "bench/peers/push/web_push.cjs")), 1000)
    return [ours, tutorial, *([node] if has_node else [])]


def _rounds(
    house: House, environment: dict[str, str], service: Service, url: Callable[[Service], str], *, has_node: bool
) -> list[Sender]:
    """In turn, so that whatever else the machine does slows all of them down."""
    chosen, browsers = senders(has_node=has_node), subscriptions(url(service), BROWSERS)
    key = house.environment["VAPID_PRIVATE_KEY"]
    for _ in range(ROUNDS):
        for sender in chosen:
            order = Order(browsers, sender.count, key, public_half(key))
            sender.took.append(took(house, environment, service, sender, order))
    return chosen


def took(house: House, environment: dict[str, str], service: Service, sender: Sender, order: Order) -> Took:
    """Raises BenchError unless just these messages arrived, each as long as everybody's."""
    before = service.tally()
    file = str(order.write(house.folder / "order.json"))
    program = house.start(sender.name, *PINNED, str(cores()[0]), *sender.command, file, **environment)
    said = program.finish().strip().splitlines()[-1]
    program.stop()
    after = service.tally()
    messages, octets = after.messages - before.messages, after.bytes - before.bytes
    if messages != order.count + order.warm_up or octets != messages * CONTENT:
        raise BenchError(f"{sender.name} was to send {order.count}: {messages} messages, {octets} bytes.")
    return Took(**json.loads(said))


def _figures(scheme: str, chosen: list[Sender], reach: dict[str, float], why_not: str) -> list[Figure]:
    ours, tutorial, *_ = chosen
    figures = [_figure(scheme, ours, peer, reach.get(peer.name)) for peer in chosen[1:]]
    if why_not:
        figures.append(Figure(f"Web push, {scheme}, one core", ours.rate, why_not, None, "messages/s"))
    what = f"Web push, {scheme}: processor time a message"
    return [*figures, Figure(what, ours.milliseconds, tutorial.name, tutorial.milliseconds, "ms")]


def _figure(scheme: str, ours: Sender, peer: Sender, reach: float | None) -> Figure:
    return Figure(
        f"Web push, {scheme}, one core",
        ours.rate,
        peer.name,
        peer.rate,
        "messages/s",
        f"at least {reach:g} times the peer" if reach else "",
        ours.rate >= reach * peer.rate if reach else None,
    )
