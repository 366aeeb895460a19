"""Clusters that get no wake-ups from Redis make their own, of what is due in our tables."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import redis
from django.conf import settings
from django.utils import timezone
from django_q.signing import SignedPackage

from tests.factories import EventFactory
from tests.support.refusing_redis import full_redis, replica
from wfpush.processes.broker import Broker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    """What earlier tests have left."""
    Broker().purge_queue()


def calls(broker: Broker) -> list[tuple[str, ...]]:
    """The functions of the tasks that it gives, with their arguments."""
    tasks = [SignedPackage.loads(task) for _, task in broker.dequeue() or ()]
    return [(task["func"], *task["args"]) for task in tasks]


@pytest.mark.parametrize("refusing", [full_redis, replica])
def test_while_redis_takes_no_tasks_those_of_due_work_are_made(
    refusing: Callable[[], AbstractContextManager[redis.Redis]],
) -> None:
    broker = Broker()
    with refusing():
        assert calls(broker) == [("wfpush.tasks.beat",)]
        EventFactory(due_at=timezone.now())
        assert calls(broker) == [("wfpush.tasks.beat",), ("wfpush.tasks.run_source", "events")]
    assert calls(broker) == [], "others wake it again"


def test_without_redis_they_are_made_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", "unix:///nonexistent/redis.sock")
    EventFactory(due_at=timezone.now())

    assert calls(Broker()) == [("wfpush.tasks.beat",), ("wfpush.tasks.run_source", "events")]
