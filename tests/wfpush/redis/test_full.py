"""A Redis whose memory is full: with `noeviction` wake-ups are lost, with `allkeys-lru` other keys go for them."""

from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs

from wfpush.queue import outbox

POLICY = "maxmemory-policy"


@pytest.fixture
def full_redis() -> Iterator[redis.Redis]:
    """Room for a megabyte more than it has, and filled."""
    server = outbox.connection()
    server.delete(outbox.flag_of("events"))  # before: what it frees would be enough for another
    try:
        server.config_set(POLICY, "noeviction")
        server.config_set("maxmemory", server.info("memory")["used_memory"] + 1_000_000)
        with pytest.raises(redis.OutOfMemoryError):
            for number in range(10_000):
                server.set(f"wfpush-test:{number}", "x" * 1000)
        yield server
    finally:
        server.config_set("maxmemory", 0)
        server.config_set(POLICY, "noeviction")
        server.delete(*server.keys("wfpush-test:*"))


@pytest.mark.parametrize(("policy", "events"), [("noeviction", ["wake_lost"]), ("allkeys-lru", [])])
def test_a_full_one_costs_wake_ups_unless_it_may_evict(full_redis: redis.Redis, policy: str, events: list[str]) -> None:
    full_redis.config_set(POLICY, policy)
    with capture_logs() as logs:
        outbox.wake(outbox.source_named("events"))
    assert [line["event"] for line in logs if line["event"] == "wake_lost"] == events
    assert full_redis.publish("wfpush:group:test", "a frame") == 0, "frames take no memory"
