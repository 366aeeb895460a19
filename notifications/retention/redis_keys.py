"""What Redis keeps for a while: files that wait to be imported, and what engines sent last."""

from datetime import datetime
from typing import Any

import redis
import structlog
from django.core.cache import cache

from notifications.models import Erasure
from notifications.retention.scrubbing import Tally
from notifications.retention.terms import Terms
from wfpush.queue import outbox
from wfpush.redis.cooldown import redis_cooldown

log = structlog.get_logger(__name__)

PATTERNS = (cache.make_key("wfpush:import:*"), "wfpush:engine:call:*")
"""Of keys with texts of others. All other keys hold flags, counts and digests."""
SPREADSHEET = b"PK\x03\x04"
"""The signature of a ZIP archive, such as an XLSX file."""


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
    for pattern in PATTERNS:
        for key in connection.scan_iter(match=pattern, count=1_000):
            value: Any = connection.get(key)
            if value is not None and _mentions(value, terms):
                gone += int(connection.delete(key))
    return gone


def _mentions(value: bytes, terms: Terms) -> bool:
    """Return whether the value may mention the person. An imported spreadsheet is compressed, so it always may."""
    return SPREADSHEET in value or terms.may_be_in(value.decode("utf-8", "replace"))
