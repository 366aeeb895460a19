"""API keys of engines, with their engines.

A process that takes many events reads a key once for all that it stores together. The key as it was read lately says
whose events these are. When they are stored, it is compared with the stored key (`ingest.accept`). So no event is taken
by a key that was revoked, or for an engine that was changed, before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any

from django.db import connection

from notifications.models import Engine

LATELY_SECONDS = 1.0
"""Seconds for which a key is used as it was read, until it is compared."""
MOST_KEPT = 1000

# Raw SQL, because every call of an engine makes this query: building Django's takes five times as long as running it.
_ENGINE_FIELDS = [field.attname for field in Engine._meta.concrete_fields]
_USABLE = """
FROM notifications_apikey key JOIN notifications_engine engine ON engine.id = key.engine_id
WHERE key.digest = ANY(%s) AND key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > %s)
    AND engine.active
"""
_LIMITS = (
    "(SELECT most FROM notifications_limit WHERE api_key_id = key.id)",
    "(SELECT most FROM notifications_limit WHERE engine_id = engine.id)",
)
_KEY_STATE = (
    f"encode(sha256(convert_to((key.scopes, key.expires_at, {', '.join(_LIMITS)}, engine)::text, 'UTF8')), 'hex')"
)
_READ = f"""
SELECT key.digest, {_KEY_STATE}, key.last_used_at, key.id, key.scopes, key.expires_at,
    {", ".join(_LIMITS)}, {", ".join(f"engine.{name}" for name in _ENGINE_FIELDS)} {_USABLE}
"""
_COMPARE = f"SELECT key.digest, {_KEY_STATE}, key.last_used_at {_USABLE}"


@dataclass(frozen=True, slots=True, eq=False)
class EngineKey:
    """A usable key as it was read. `state` is a digest of all but the last use. `limit` and `engine_limit`: events a
    minute, if an administrator has set a limit. `engine_values`: Engine's columns."""

    digest: str
    state: str
    last_used_at: datetime | None
    pk: int
    scopes: frozenset[str]
    expires_at: datetime | None
    limit: int | None
    engine_limit: int | None
    engine_values: Sequence[Any]

    def engine(self) -> Engine:
        """Return the engine as it was read: an object of the caller's own."""
        return Engine.from_db("default", _ENGINE_FIELDS, self.engine_values)


def read(digest: str, now: datetime) -> EngineKey | None:
    """Return the key; None if it may not be used."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [[digest], now])
        row = cursor.fetchone()
    if row is None:
        return None
    _, state, last_used_at, pk, scopes, expires_at, limit, engine_limit, *values = row
    return EngineKey(digest, state, last_used_at, pk, frozenset(scopes), expires_at, limit, engine_limit, values)


class LatelyRead:
    """One process's cache of keys that were read within the last second. Safe to share between threads."""

    def __init__(self) -> None:
        self._cached: dict[tuple[str, str], tuple[datetime, EngineKey]] = {}
        self._lock = Lock()

    def get(self, digest: str, now: datetime) -> EngineKey | None:
        """Return the cached key; None if it must be read."""
        at, key = self._cached.get(_name(digest), (now, None))
        age = (now - at).total_seconds()
        if key is None or not 0 <= age < LATELY_SECONDS or (key.expires_at is not None and key.expires_at <= now):
            return None
        return key

    def fresh(self, digest: str, now: datetime) -> EngineKey | None:
        """Read and cache the key. Return None if it may not be used."""
        key = read(digest, now)
        if key is not None:
            self.keep([key], now)
        return key

    def keep(self, keys: Collection[EngineKey], now: datetime) -> None:
        with self._lock:
            if len(self._cached) + len(keys) > MOST_KEPT:
                self._cached.clear()
            self._cached.update({_name(key.digest): (now, key) for key in keys})

    def drop(self, digests: Collection[str]) -> None:
        with self._lock:
            for digest in digests:
                self._cached.pop(_name(digest), None)


def _name(digest: str) -> tuple[str, str]:
    return str(connection.settings_dict["NAME"]), digest


lately_read = LatelyRead()


def changed(keys: Collection[EngineKey], now: datetime) -> set[EngineKey]:
    """Compare keys with their stored rows. Return those that may no longer be used, or have changed."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, [list({key.digest for key in keys}), now])
        by_digest = {digest: (state, last_used_at) for digest, state, last_used_at in cursor.fetchall()}
    gone = {key for key in keys if key.digest not in by_digest or by_digest[key.digest][0] != key.state}
    lately_read.drop({key.digest for key in gone})
    same = {key.digest: replace(key, last_used_at=by_digest[key.digest][1]) for key in keys if key not in gone}
    lately_read.keep(same.values(), now)
    return gone
