"""API keys of engines, with their engines.

A process that takes many events reads a key once for all that it stores together, and not once for each: what it read
lately says whose events these are, and is read again in the transaction that stores them (`ingest.accept`). So no event
is taken by a key that was revoked, or for an engine that was changed, before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from django.db import connection

from notifications.models import Engine

LATELY_SECONDS = 1.0
"""For how long what was read of a key may be gone by, until it is read again in the transaction."""
MOST_KEPT = 1000

# Raw SQL, because every call of an engine makes this query: building Django's takes five times as long as running it.
_ENGINE_FIELDS = [field.attname for field in Engine._meta.concrete_fields]
_USABLE = f"""
SELECT key.digest, key.id, key.scopes, key.expires_at, key.last_used_at,
    {", ".join(f"engine.{name}" for name in _ENGINE_FIELDS)}
FROM notifications_apikey key JOIN notifications_engine engine ON engine.id = key.engine_id
WHERE key.digest = ANY(%s) AND key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > %s)
    AND engine.active
"""


@dataclass(frozen=True, slots=True, eq=False)
class EngineKey:
    """A usable key as it was read. `engine_values`: of Engine's columns, in their order."""

    digest: str
    pk: int
    scopes: frozenset[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    engine_values: Sequence[Any]

    def engine(self) -> Engine:
        """The engine as it was then: an object of the caller's own."""
        return Engine.from_db("default", _ENGINE_FIELDS, self.engine_values)

    def is_same(self, other: "EngineKey") -> bool:
        """Whether nothing but the time of its last use has changed."""
        mine = self.pk, self.scopes, self.expires_at, self.engine_values
        return mine == (other.pk, other.scopes, other.expires_at, other.engine_values)


def read(digests: Collection[str], now: datetime) -> dict[str, EngineKey]:
    """Those keys that may be used."""
    with connection.cursor() as cursor:
        cursor.execute(_USABLE, [list(digests), now])
        rows = cursor.fetchall()
    return {
        digest: EngineKey(digest, pk, frozenset(scopes), expires_at, last_used_at, values)
        for digest, pk, scopes, expires_at, last_used_at, *values in rows
    }


class LatelyRead:
    """What one process has read of keys within the last second. Safe to share between threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[datetime, EngineKey]] = {}
        self._lock = Lock()

    def get(self, digest: str, now: datetime) -> EngineKey | None:
        """None: the key is to be read."""
        at, key = self._kept.get(_name(digest), (now, None))
        age = (now - at).total_seconds()
        if key is None or not 0 <= age < LATELY_SECONDS or (key.expires_at is not None and key.expires_at <= now):
            return None
        return key

    def fresh(self, digest: str, now: datetime) -> EngineKey | None:
        """The key as it is by now, read and kept; None: it may not be used."""
        found = read([digest], now)
        self.keep(found.values(), now)
        return found.get(digest)

    def keep(self, found: Collection[EngineKey], now: datetime) -> None:
        with self._lock:
            if len(self._kept) + len(found) > MOST_KEPT:
                self._kept.clear()
            self._kept.update({_name(key.digest): (now, key) for key in found})

    def drop(self, digests: Collection[str]) -> None:
        with self._lock:
            for digest in digests:
                self._kept.pop(_name(digest), None)


def _name(digest: str) -> tuple[str, str]:
    return str(connection.settings_dict["NAME"]), digest


lately_read = LatelyRead()


def changed(keys: Collection[EngineKey], now: datetime) -> set[EngineKey]:
    """Read keys again. Returns those that may no longer be used, or are no longer as they were read."""
    digests = {key.digest for key in keys}
    found = read(digests, now)
    lately_read.drop(digests - found.keys())
    lately_read.keep(found.values(), now)
    return {key for key in keys if key.digest not in found or not key.is_same(found[key.digest])}
