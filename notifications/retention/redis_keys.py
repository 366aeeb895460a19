"""What Redis keeps for a while: files that wait to be imported, and what engines sent last."""

from datetime import datetime
from typing import Any

import redis
import structlog

from notifications.models import Erasure
from notifications.retention.scrubbing import Tally
from notifications.retention.terms import Terms
from wfpush.queue import outbox
from wfpush.redis.cooldown import redis_cooldown

log = structlog.get_logger(__name__)

KEPT = ("wfpush:import:*", "wfpush:engine:call:*")
"""Keys with texts of others. All other keys hold flags, counts and digests."""


def forget(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Delete those that mention the person. While Redis is away they are left for later; they end by themselves, too,
    within an hour."""
    if redis_cooldown:
        return "", Tally(left=1)
    try:
        return "", Tally(changed=_forget(terms))
    except (redis.RedisError, OSError) as fault:
        redis_cooldown.after(fault)
        log.warning("redis_keys_not_looked_at", fault=str(fault))
        return "", Tally(left=1)


def _forget(terms: Terms) -> int:
    connection, gone = outbox.connection(), 0
    for pattern in KEPT:
        for key in connection.scan_iter(match=pattern, count=1_000):
            value: Any = connection.get(key)
            if value is not None and _mentions(value, terms):
                gone += int(connection.delete(key))
    return gone


def _mentions(value: bytes, terms: Terms) -> bool:
    """An imported spreadsheet is compressed, and goes with the rest."""
    _head, _end, content = value.partition(b"\n")
    return content.startswith(b"PK") or terms.may_be_in(value.decode("utf-8", "replace"))
