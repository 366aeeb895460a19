"""What the peer's cluster runs."""

import os
import time
from functools import cache

import redis

STARTED = "bench:started"


@cache
def connection() -> redis.Redis:
    return redis.Redis.from_url(os.environ["REDIS_URL"])


def tell() -> None:
    """Say when this task started, by the clock that all processes share."""
    connection().rpush(STARTED, repr(time.monotonic()))
