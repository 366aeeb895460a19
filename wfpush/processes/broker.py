"""django-q2's Redis broker, for clusters that survive the loss of Redis and take tasks of their own.

django-q2's own broker raises when Redis is away: the process that asked it then sleeps for 10 seconds and ends, and a
cluster does not start at all. It also takes tasks from one list that all clusters share, so no task can prove that a
certain cluster works. This broker takes the tasks of its own worker first.

Tasks are wake-ups only. While Redis gives and takes none (it is away, full or read-only), this broker makes them
itself: about once a second, for sources that have due work. Other workers do the same: each row is claimed by one.
"""

import os
import time
from queue import Empty
from typing import Any

import django_q.brokers
import redis
from django.conf import settings
from django.db import connections
from django.db.utils import Error as DatabaseError
from django.utils import timezone
from django_q.brokers.redis_broker import Redis
from django_q.queues import Queue
from django_q.tasks import async_task
from redis.backoff import NoBackoff
from redis.retry import Retry

from wfpush.processes.heartbeats import send_pulses
from wfpush.queue import lease_holder, outage, outbox
from wfpush.redis.cooldown import redis_cooldown

WAIT_SECONDS = 1
"""Seconds to wait for a task before checking whether the cluster is to stop."""
AGAIN_SECONDS = 1.0
TAKES_WRITES = "wfpush:takes-writes"
KEPT_SECONDS = 600
"""Seconds for which a dead worker's heartbeat task stays in Redis."""


class Broker(Redis):  # type: ignore[misc]
    """The broker of our clusters, named in Q_CLUSTER's `broker_class`."""

    @staticmethod
    def get_connection(list_key: str | None = None) -> redis.Redis:
        # Without redis-py's growing pauses between tries: every caller here tries again by itself, or is not waited
        # for.
        once_more = Retry(NoBackoff(), 1, (redis.ConnectionError,))
        return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, retry=once_more)

    def ping(self) -> bool:
        """Return True without asking Redis: a cluster starts without Redis, too, and waits for it."""
        return True

    def dequeue(self) -> list[tuple[None, bytes]] | None:
        """Return tasks, or None if there are none. One process of a cluster calls this again and again."""
        send_pulses()
        try:
            if redis_cooldown:
                raise redis.TimeoutError("Redis did not answer in time")
            if popped := self.connection.blpop([*_own_lists(), self.list_key], WAIT_SECONDS):
                outage.broker.ended()
                return [(None, popped[1])]
            self.connection.set(TAKES_WRITES, 1, px=1_000)  # a full Redis lets us take tasks, and nobody add any
        except outage.REDIS_AWAY as fault:
            if not redis_cooldown:
                redis_cooldown.after(fault)
            outage.broker.began(fault)
            time.sleep(AGAIN_SECONDS)
            return [(None, task) for task in _tasks_of_due_work()]
        outage.broker.ended()
        return None

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Write a state for django-q2's own monitor. Called twice a second."""
        try:
            super().set_stat(key, value, timeout)
        except outage.REDIS_AWAY as fault:
            outage.broker.began(fault)


def _tasks_of_due_work() -> list[bytes]:
    """Return the tasks that `outbox.wake` and `request_heartbeat` would have enqueued."""
    now = timezone.now()
    try:
        due = [source.name for source in outbox.sources("cluster") if source.has_due(now)]
    except DatabaseError as fault:
        outage.database.began(fault)
        return []
    finally:
        connections.close_all()
    collector = _CollectingBroker()
    async_task("wfpush.tasks.beat", broker=collector)
    for name in due:
        async_task("wfpush.tasks.run_source", name, broker=collector)
    return collector.tasks


class _CollectingBroker(django_q.brokers.Broker):  # type: ignore[misc]
    """A broker that keeps the enqueued tasks in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[bytes] = []

    def enqueue(self, task: bytes) -> None:
        self.tasks.append(task)


def _own_lists() -> list[str]:
    worker = os.environ.get(lease_holder.WORKER)
    return [f"django_q:{settings.Q_CLUSTER['name']}:{worker}:q"] if worker else []


def request_heartbeat(worker: str) -> None:
    """Enqueue a heartbeat task for the worker's own cluster, at most one at a time. Raises RedisError, OSError."""
    own = Broker(f"{settings.Q_CLUSTER['name']}:{worker}")
    if not own.connection.llen(own.list_key):
        async_task("wfpush.tasks.beat", broker=own)
    own.connection.expire(own.list_key, KEPT_SECONDS)
    own.connection.close()


LOCK_SECONDS = 0.05


class TaskQueue(Queue):  # type: ignore[misc]
    """django-q2's queue between the processes of a cluster. Takes the lock only when there is something to read.

    A process that waits for a task in `multiprocessing`'s queue holds the lock of all readers meanwhile. When it hangs,
    the others get no tasks either. Readers send pulses, so that a hanging one is noticed.
    """

    def get(self) -> Any:
        send_pulses()
        while True:
            self._reader.poll(None)
            try:
                return super().get(timeout=LOCK_SECONDS)
            except Empty:  # another reader was faster
                continue
