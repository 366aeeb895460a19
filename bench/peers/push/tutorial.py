"""`python -m bench.peers.push.tutorial ORDER`: `webpush()` for one subscription after the other; prints the seconds."""

import sys
import time

from pywebpush import webpush

from bench.harness import Json
from bench.push_orders import Order


def send(subscription: Json, data: str, vapid_private_key: str, contact: str) -> None:
    webpush(
        subscription_info=subscription,
        data=data,
        vapid_private_key=vapid_private_key,
        vapid_claims={"sub": contact},
        ttl=86_400,
    )


def send_all(order: Order) -> float:
    data = "x" * order.size
    for subscription in order.targets(order.warm_up):
        send(subscription, data, order.vapid_private, order.contact)
    began = time.perf_counter()
    for subscription in order.targets(order.count):
        send(subscription, data, order.vapid_private, order.contact)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(send_all(Order.read(sys.argv[1])))
