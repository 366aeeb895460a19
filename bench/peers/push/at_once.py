"""`python -m bench.peers.push.at_once ORDER`: `webpush()` for all subscriptions, 50 at a time; prints when it began."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import requests
from pywebpush import WebPushException, webpush

from bench.harness import Json
from bench.push_orders import Order

THREADS = 50
TIMEOUT_SECONDS = 10.0


def send_all(order: Order) -> None:
    data = "x" * order.size

    def send(subscription: Json) -> None:
        with suppress(WebPushException, requests.RequestException):
            webpush(
                subscription_info=subscription,
                data=data,
                vapid_private_key=order.vapid_private,
                vapid_claims={"sub": order.contact},
                ttl=86_400,
                timeout=TIMEOUT_SECONDS,
            )

    with ThreadPoolExecutor(THREADS) as pool:
        print(time.monotonic(), flush=True)
        list(pool.map(send, order.subscriptions))


if __name__ == "__main__":
    send_all(Order.read(sys.argv[1]))
