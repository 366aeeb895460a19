"""Stores events once, due for processing; one statement stores all events of a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal
from uuid import UUID

import msgspec
from django.db import InterfaceError, OperationalError, connection

from notifications.errors import EventIdReused, Failure
from notifications.forms import engine_forms
from notifications.intake import api_keys
from notifications.intake.api_keys import EngineKey
from notifications.models import Engine, Urgency
from notifications.types import InboundEvent, Json
from wfpush.concurrency.group_commit import GroupCommit
from wfpush.identifiers import uuid7
from wfpush.queue import outbox

MAX_GROUP = 260
ATTEMPTS = 3
"""Tries to store an event: one with the same key can be pruned between insert and read."""

MOST_SHARED = 20
"""Batches with more events have a transaction of their own: sharing one would only make callers wait for each other."""
MOST_PER_COMMIT = 200
"""Most events that concurrent callers store in one transaction."""

Key = tuple[int, str, str]
"""Engine, `source` and `id`, which identify an event."""

# One statement and one parameter for any number of events: quoting a dozen arrays would cost more than storing them.
_INSERT = f"""
INSERT INTO notifications_event (id, engine_id, source, event_id, type, subject, "time", received_at,
    data, extensions, digest, "group", urgency, status, plan, unresolved, told, error, {outbox.NEW_ROW})
SELECT id, engine_id, source, event_id, type, subject, "time", received_at,
    data, extensions, digest, "group", urgency, 'accepted', '{{}}', 0, 0, '', {outbox.new_row("received_at")}
FROM json_to_recordset(%s::json) AS given(id uuid, engine_id bigint, source text, event_id text, type text,
    subject text, "time" timestamptz, received_at timestamptz, data jsonb, extensions jsonb, digest text, "group" text,
    urgency smallint)
ON CONFLICT (engine_id, source, event_id) DO NOTHING RETURNING id
"""
_KNOWN = """
SELECT event.engine_id, event.source, event.event_id, event.id, event.digest FROM notifications_event event
JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS given(engine_id, source, event_id)
    USING (engine_id, source, event_id)
"""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The result of one event. `stored` is our id of its row, or of the earlier row that it repeats.

    `failure` is set when a different event has the same source and id: then nothing was stored.
    """

    id: str
    source: str
    type: str
    status: Literal["accepted", "duplicate", "rejected"]
    stored: UUID
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, its engine, and when it arrived."""

    engine_id: int
    event: InboundEvent
    at: datetime

    @property
    def key(self) -> Key:
        return self.engine_id, self.event.source, self.event.id


class KeyChanged(Exception):
    """Raised when the key that sent the events, or its engine, is no longer as it was read. Nothing was stored."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """Events of one call."""

    arrivals: list[Arrival]
    key: EngineKey | None


def accept(
    engine: Engine, events: Sequence[InboundEvent], now: datetime, key: EngineKey | None = None
) -> list[IngestResult]:
    """Store new events, due at once, and return the result of each event, in their order.

    `key`: the key that sent the events, as it was read lately; it is compared here. Raises KeyChanged.

    An event with the source and id of an earlier one is its duplicate if type, subject and data are the same, too.
    Outside of a transaction it returns after the commit, which concurrent callers with few events share; inside, it is
    part of the transaction.
    """
    arrivals = [Arrival(engine.pk, event, now) for event in events]
    if not arrivals:
        if key is not None and api_keys.changed([key], now):
            raise KeyChanged
        return []
    job = _Job(arrivals, key)
    if connection.in_atomic_block or len(arrivals) > MOST_SHARED:
        [accepted] = _commit([job])
    else:
        accepted = _group_commit.do(job, weight=len(arrivals))
    if accepted is None:
        raise KeyChanged
    return accepted


def _commit(jobs: Sequence[_Job]) -> list[list[IngestResult] | None]:
    """Store the events of several callers by one statement. The result is None for a caller whose key has changed.

    Outside of a transaction the statement is one of its own: BEGIN and COMMIT would be two more round trips.
    """
    keys = [job.key for job in jobs if job.key is not None]
    changed = api_keys.changed(keys, max(job.arrivals[0].at for job in jobs)) if keys else set()
    good = [job for job in jobs if job.key not in changed]
    first: dict[Key, Arrival] = {}
    for arrival in chain.from_iterable(job.arrivals for job in good):
        first.setdefault(arrival.key, arrival)
    rows = _store(list(first.values()))
    if any(row.fresh for row in rows.values()):
        outbox.wake_on_commit("events")
    answered_ids: set[UUID] = set()
    return [
        [_answer(arrival.event, rows[arrival.key], answered_ids) for arrival in job.arrivals] if job in good else None
        for job in jobs
    ]


_group_commit: GroupCommit[_Job, list[IngestResult] | None] = GroupCommit(
    _commit, most=MOST_PER_COMMIT, hopeless=(OperationalError, InterfaceError)
)


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    digest: str
    fresh: bool


def _store(arrivals: list[Arrival]) -> dict[Key, _Row]:
    """Return the row of each event, inserted or existing."""
    rows: dict[Key, _Row] = {}
    for _attempt in range(ATTEMPTS):
        rows |= _insert([arrival for arrival in arrivals if arrival.key not in rows])
        missing = [arrival for arrival in arrivals if arrival.key not in rows]
        if not missing:
            return rows
        rows |= _stored_rows([arrival.key for arrival in missing])
        if len(rows) == len(arrivals):
            return rows
    raise RuntimeError("An event was in the way each time, and gone each time it was looked for.")


def _insert(arrivals: list[Arrival]) -> dict[Key, _Row]:
    """Insert events with ids in order of arrival. Rows are in order of their keys, so that batches never deadlock."""
    arrivals_by_id = sorted(((uuid7(), arrival) for arrival in arrivals), key=lambda pair: pair[1].key)
    rows = [_columns(pk, arrival) for pk, arrival in arrivals_by_id]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [msgspec.json.encode(rows).decode()])
        stored = {row[0] for row in cursor.fetchall()}
    return {arrival.key: _Row(pk, arrival.event.digest, True) for pk, arrival in arrivals_by_id if pk in stored}


def _columns(pk: UUID, arrival: Arrival) -> Json:
    event = arrival.event
    return {
        "id": pk,
        "engine_id": arrival.engine_id,
        "source": event.source,
        "event_id": event.id,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "received_at": arrival.at,
        "data": engine_forms.stored(event.data),
        "extensions": event.extensions,
        "digest": event.digest,
        "group": group_of(event.data),
        "urgency": urgency_of(event.data),
    }


def _stored_rows(keys: Sequence[Key]) -> dict[Key, _Row]:
    """Return the rows of stored events."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [[key[part] for key in keys] for part in range(3)])
        return {(engine, source, event_id): _Row(pk, digest, False) for engine, source, event_id, pk, digest in cursor}


def all_known(engine: Engine, events: Sequence[InboundEvent]) -> bool:
    """Return whether every event has the source and id of a stored event."""
    keys = {(engine.pk, event.source, event.id) for event in events}
    return len(_stored_rows(list(keys))) == len(keys)


def _answer(event: InboundEvent, row: _Row, answered_ids: set[UUID]) -> IngestResult:
    """Return the result of an event. Of several events with one key in the same call, the first is the accepted one."""
    first = row.fresh and row.id not in answered_ids
    answered_ids.add(row.id)
    if row.digest != event.digest:
        failure = EventIdReused(
            "Another event with this source and id, but other content, was accepted before. Use an id of its own."
        )
        return IngestResult(event.id, event.source, event.type, "rejected", row.id, failure)
    return IngestResult(event.id, event.source, event.type, "accepted" if first else "duplicate", row.id)


def urgency_of(data: Json) -> Urgency:
    """Return the urgency of an event by the priority of its task, if it has one."""
    task = data.get("task")
    priority = task.get("priority") if isinstance(task, dict) else None
    return URGENCIES.get(priority, Urgency.NORMAL) if isinstance(priority, str) else Urgency.NORMAL


URGENCIES = {"urgent": Urgency.URGENT, "high": Urgency.HIGH, "low": Urgency.LOW}


def group_of(data: Json) -> str:
    """Return the task, or else the case, of an event. Events of one group are processed in order of arrival."""
    for kind in ("task", "case"):
        part = data.get(kind)
        name = part.get("id") if isinstance(part, dict) else None
        if isinstance(name, str) and name:
            return f"{kind}:{name}"[:MAX_GROUP]
    return ""
