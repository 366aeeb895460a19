"""A Redis that answers and takes no writes: the real one of the tests, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.support.waiting import eventually
from wfpush.queue import outbox


@contextmanager
def full_redis() -> Iterator[redis.Redis]:
    """It evicts nothing, and has no room."""
    server = outbox.connection()
    server.config_set("maxmemory", 1)
    try:
        yield server
    finally:
        server.config_set("maxmemory", 0)


@contextmanager
def replica() -> Iterator[redis.Redis]:
    """Of a server that is gone."""
    server = outbox.connection()
    server.execute_command("REPLICAOF", "127.0.0.1", 1)
    try:
        yield server
    finally:
        server.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def unsaved_redis() -> Iterator[redis.Redis]:
    """It is to save its data, and may not write into its folder."""
    server = outbox.connection()
    folder = Path(server.config_get("dir")["dir"])
    server.config_set("save", "3600 1")
    folder.chmod(0o500)
    try:
        server.bgsave()
        eventually(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", "it could not save")
        yield server
    finally:
        folder.chmod(0o700)
        server.config_set("save", "")
