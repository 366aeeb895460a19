"""What an engine sent last is kept in Redis, which may be away."""

import socket
import time
from collections.abc import Iterator

import pytest
import redis

from notifications.intake import last_call
from notifications.models import Engine
from tests.factories import EngineFactory
from wfpush.queue import outbox
from wfpush.redis.cooldown import Cooldown

pytestmark = pytest.mark.django_db

PATIENCE = 0.2


@pytest.fixture
def silent_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = redis.Redis(port=server.getsockname()[1], socket_timeout=PATIENCE, retry=None)
        monkeypatch.setattr(outbox, "_connection", client)
        monkeypatch.setattr(last_call, "redis_cooldown", Cooldown())
        yield


def test_a_redis_that_never_answers_costs_one_event_its_timeout_and_not_each(silent_redis: None) -> None:
    engine: Engine = EngineFactory()
    begun = time.monotonic()
    assert [last_call.is_watched(engine) for _event in range(20)] == [False] * 20
    last_call.watch(engine)
    assert last_call.last_of(engine) is None
    assert PATIENCE <= time.monotonic() - begun < PATIENCE * 10
