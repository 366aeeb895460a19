"""What the peer's cluster runs; and, run by bench.inside, one task enqueued after the other."""

import os
import time
from functools import cache
from typing import Any

import redis
from django_q.tasks import async_task

STARTED = "bench:started"
PATIENCE_SECONDS = 20


@cache
def connection() -> redis.Redis:
    return redis.Redis.from_url(os.environ["REDIS_URL"])


def tell() -> None:
    """Say when this task started, by the clock that all processes share."""
    connection().rpush(STARTED, repr(time.monotonic()))


def main(count: str) -> list[float]:
    """The seconds until each task started."""
    return [_wake() for _ in range(int(count))]


def _wake() -> float:
    began = time.monotonic()
    async_task("bench.peers.wake.tasks.tell")
    started: Any = connection().blpop([STARTED], timeout=PATIENCE_SECONDS)
    if started is None:
        raise SystemExit(f"A task did not start within {PATIENCE_SECONDS} s.")
    return float(started[1]) - began
