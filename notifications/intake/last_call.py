"""The last call of an engine, stored for a while when an administrator is setting it up: refused calls leave no row.

It is stored in Redis only, and only while somebody watches. Otherwise events cost no more than a look.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis
import structlog

from notifications.models import Engine
from wfpush.queue import outbox
from wfpush.redis.cooldown import redis_cooldown

log = structlog.get_logger(__name__)

WATCHED_SECONDS = 15 * 60
"""Seconds after the last look at the page for which calls are stored."""
KEPT_SECONDS = 60 * 60
MOST_BODY = 64 * 1024
"""Characters of a body that is stored. A larger one is not: half of a JSON document helps nobody."""
MOST_FAULTS = 10

Fault = str
"""Why a call was refused before its body was read: one of the next three; empty: `sentences` say it."""
UNKNOWN_KEY, ENDED_KEY, OTHER_KEY = "unknown_key", "ended_key", "other_key"


@dataclass(frozen=True)
class LastCall:
    """A call of the engine. `sentences`: why it was refused. `body`: its content, unless strangers sent it."""

    at: datetime
    status: int
    fault: Fault = ""
    sentences: Sequence[str] = ()
    body: str = ""

    @property
    def refused(self) -> bool:
        return self.status >= 400 or bool(self.sentences)


def watch(engine: Engine) -> None:
    """Store the calls of the engine from now on."""
    _ask(engine, lambda: outbox.connection().set(_name("watched", engine), 1, ex=WATCHED_SECONDS))


def is_watched(engine: Engine) -> bool:
    return bool(_ask(engine, lambda: outbox.connection().exists(_name("watched", engine))))


def keep(engine: Engine, call: LastCall) -> None:
    document = {**asdict(call), "at": call.at.isoformat(), "sentences": list(call.sentences)[:MOST_FAULTS]}
    document["body"] = call.body if len(call.body) <= MOST_BODY else ""
    _ask(engine, lambda: outbox.connection().set(_name("call", engine), json.dumps(document), ex=KEPT_SECONDS))


def last_of(engine: Engine) -> LastCall | None:
    cached = _ask(engine, lambda: outbox.connection().get(_name("call", engine)))
    if cached is None:
        return None
    document = json.loads(str(cached, "utf-8") if isinstance(cached, bytes) else str(cached))
    return LastCall(**{**document, "at": datetime.fromisoformat(document["at"])})


def _ask(engine: Engine, command: Callable[[], Any]) -> Any:
    """Return the result; None if Redis does not answer. Then one event waits for the timeout, and not each."""
    if redis_cooldown:
        return None
    try:
        return command()
    except (redis.RedisError, OSError) as fault:
        redis_cooldown.after(fault)
        log.warning("last_calls_away", engine=engine.slug, fault=str(fault))
        return None


def _name(what: str, engine: Engine) -> str:
    """Return a Redis key with the time at which the engine was made: another database may have the same number."""
    return f"wfpush:engine:{what}:{engine.pk}:{int(engine.created_at.timestamp() * 1000)}"
