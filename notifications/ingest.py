"""Events in: stored once with their outbox entry, in one transaction, whatever happens next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from django.db import connection, transaction

from notifications.errors import EventIdReused, Failure
from notifications.models import Engine
from notifications.types import InboundEvent, Json
from wfpush import outbox
from wfpush.identifiers import uuid7

MAX_GROUP = 260
ATTEMPTS = 3
"""An event that was in the way can be pruned before it is read: then it is stored after all."""

Key = tuple[str, str]
"""`source` and `id`: what makes an event of one engine unique."""

# One statement whatever the number of events, so that the driver prepares it once.
_INSERT = """
INSERT INTO notifications_event (id, engine_id, source, event_id, type, subject, "time", received_at, due_at,
    data, extensions, digest, "group", status, plan, unresolved, error, attempts)
SELECT given.id, %s, given.source, given.event_id, given.type, given.subject, given."time", %s, %s,
    given.data, given.extensions, given.digest, given."group", 'accepted', '{}', 0, '', 0
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::jsonb[], %s::jsonb[],
    %s::text[], %s::text[])
    AS given(id, source, event_id, type, subject, "time", data, extensions, digest, "group")
ON CONFLICT (engine_id, source, event_id) DO NOTHING RETURNING id
"""
_KNOWN = """
SELECT event.source, event.event_id, event.id, event.digest FROM notifications_event event
JOIN unnest(%s::text[], %s::text[]) AS given(source, event_id) USING (source, event_id) WHERE event.engine_id = %s
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one event. `stored` is our id of the row that holds it: this one, or the one it repeats.

    `failure` is set when another event has its source and id: then nothing was stored.
    """

    id: str
    source: str
    type: str
    status: Literal["accepted", "duplicate", "rejected"]
    stored: UUID
    failure: Failure | None = None


def accept(engine: Engine, events: Sequence[InboundEvent], now: datetime) -> list[Accepted]:
    """Store what is new, due at once, and say of each event in turn what became of it.

    An event that has the source and id of an earlier one is its duplicate if type, subject and data are the same too.
    """
    with transaction.atomic():
        rows = _store(engine, _first_of_each(events), now)
        if any(row.fresh for row in rows.values()):
            outbox.wake_on_commit("events")
    answers, told = [], set()
    for event in events:
        row = rows[event.source, event.id]
        answers.append(_answer(event, row, first=row.fresh and row.id not in told))
        told.add(row.id)
    return answers


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    digest: str
    fresh: bool


def _first_of_each(events: Sequence[InboundEvent]) -> list[InboundEvent]:
    first: dict[Key, InboundEvent] = {}
    for event in events:
        first.setdefault((event.source, event.id), event)
    return list(first.values())


def _store(engine: Engine, events: list[InboundEvent], now: datetime) -> dict[Key, _Row]:
    """Every event's row, inserted or found."""
    rows: dict[Key, _Row] = {}
    for _attempt in range(ATTEMPTS):
        missing = [event for event in events if (event.source, event.id) not in rows]
        if not missing:
            return rows
        rows |= _insert(engine, missing, now)
        missing = [event for event in missing if (event.source, event.id) not in rows]
        if missing:
            rows |= _known(engine, missing)
    raise RuntimeError("An event was in the way each time, and gone each time it was looked for.")


def _insert(engine: Engine, events: list[InboundEvent], now: datetime) -> dict[Key, _Row]:
    """Ids grow in order of arrival; rows go in by key, so that two batches never wait for each other."""
    given = sorted(((uuid7(), event) for event in events), key=lambda pair: (pair[1].source, pair[1].id))
    ids, ordered = [pair[0] for pair in given], [pair[1] for pair in given]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                engine.pk,
                now,
                now,
                ids,
                [event.source for event in ordered],
                [event.id for event in ordered],
                [event.type for event in ordered],
                [event.subject for event in ordered],
                [event.time for event in ordered],
                [_json(event.data) for event in ordered],
                [_json(event.extensions) for event in ordered],
                [event.digest for event in ordered],
                [group_of(event.data) for event in ordered],
            ],
        )
        stored = {row[0] for row in cursor.fetchall()}
    return {(event.source, event.id): _Row(pk, event.digest, True) for pk, event in given if pk in stored}


def _known(engine: Engine, events: list[InboundEvent]) -> dict[Key, _Row]:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [[event.source for event in events], [event.id for event in events], engine.pk])
        return {(source, event_id): _Row(pk, digest, False) for source, event_id, pk, digest in cursor.fetchall()}


def _answer(event: InboundEvent, row: _Row, *, first: bool) -> Accepted:
    if row.digest != event.digest:
        failure = EventIdReused(
            "Another event with this source and id, but other content, was accepted before. Use an id of its own."
        )
        return Accepted(event.id, event.source, event.type, "rejected", row.id, failure)
    return Accepted(event.id, event.source, event.type, "accepted" if first else "duplicate", row.id)


def group_of(data: Json) -> str:
    """What an event is about: events of one task, or else of one case, are processed in order of arrival."""
    for kind in ("task", "case"):
        about = data.get(kind)
        name = about.get("id") if isinstance(about, dict) else None
        if isinstance(name, str) and name:
            return f"{kind}:{name}"[:MAX_GROUP]
    return ""


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()
