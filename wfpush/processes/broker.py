"""django-q2's Redis broker, for clusters that survive the loss of Redis and take tasks of their own.

django-q2's own broker raises when Redis is away: the process that asked it then sleeps for 10 seconds and ends, and a
cluster does not start at all. It also takes tasks from one list that all clusters share, so no task can prove that a
certain cluster works. This broker takes the tasks of its own worker first.
"""

import os
import time

import redis
from django.conf import settings
from django_q.brokers.redis_broker import Redis
from django_q.tasks import async_task
from redis.backoff import NoBackoff
from redis.retry import Retry

from wfpush.queue import lease_holder, outage

WAIT_SECONDS = 1
"""Seconds to wait for a task before checking whether the cluster is to stop."""
AGAIN_SECONDS = 0.5
KEPT_SECONDS = 600
"""Seconds for which a dead worker's heartbeat task stays in Redis."""


class Broker(Redis):  # type: ignore[misc]
    """What Q_CLUSTER's `broker_class` names."""

    @staticmethod
    def get_connection(list_key: str | None = None) -> redis.Redis:
        # Without redis-py's growing pauses between tries: every caller here tries again by itself, or is not waited
        # for.
        once_more = Retry(NoBackoff(), 1, (redis.ConnectionError,))
        return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, retry=once_more)

    def ping(self) -> bool:
        """True without asking Redis: a cluster starts without Redis, too, and waits for it."""
        return True

    def dequeue(self) -> list[tuple[None, bytes]] | None:
        try:
            found = self.connection.blpop([*_own_lists(), self.list_key], WAIT_SECONDS)
        except outage.REDIS_AWAY as fault:
            outage.broker.began(fault)
            time.sleep(AGAIN_SECONDS)
            return None
        outage.broker.ended()
        return [(None, found[1])] if found else None

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Called twice a second, for django-q2's own monitor."""
        try:
            super().set_stat(key, value, timeout)
        except outage.REDIS_AWAY as fault:
            outage.broker.began(fault)


def _own_lists() -> list[str]:
    worker = os.environ.get(lease_holder.WORKER)
    return [_list_of(worker)] if worker else []


def _list_of(worker: str) -> str:
    return f"django_q:{settings.Q_CLUSTER['name']}:{worker}:q"


def request_heartbeat(worker: str) -> None:
    """Enqueue a heartbeat task for the worker's own cluster, at most one at a time. Raises RedisError, OSError."""
    own = Broker(f"{settings.Q_CLUSTER['name']}:{worker}")
    if not own.connection.llen(own.list_key):
        async_task("wfpush.tasks.beat", broker=own)
    own.connection.expire(own.list_key, KEPT_SECONDS)
    own.connection.close()
