"""Finds due work that belongs to owners, such as the calls to each engine: for each owner only as many rows as it has
free places. So a claim does not read all rows that wait for one that is down."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.queue import outbox

_DUE = """
SELECT call.id, owner.id FROM {owners} owner CROSS JOIN LATERAL (
    SELECT waiting.id, waiting.due_at FROM {works} waiting
    WHERE waiting.{key} = owner.id AND waiting.due_at <= %(now)s AND {not_leased} AND {work_condition}
    ORDER BY waiting.due_at LIMIT %(each)s
) AS call
WHERE {owner_condition} AND owner.id <> ALL(%(full)s) AND owner.{name} <> ALL(%(paused)s)
ORDER BY call.due_at
"""


@dataclass(frozen=True)
class OwnerQueue:
    """Tables and columns of due work: `key` is the column of a work's owner, `name` that of the owner's name. The
    conditions are SQL about `owner` and `waiting`."""

    owners: str
    works: str
    key: str
    name: str
    owner_condition: str
    work_condition: str = "TRUE"

    def due(self, room: FreePlaces[int], paused: Collection[str], now: datetime) -> list[tuple[Any, int]]:
        """Return the keys of the oldest due rows, each with its owner. Owners with one of the `paused` names are left
        out."""
        statement = _DUE.format(**vars(self), not_leased=outbox.not_leased_row("waiting"))
        places = {"each": room.each, "full": room.full, "paused": list(paused)}
        with connection.cursor() as cursor:
            cursor.execute(statement, outbox.lease_parameters(now) | places)
            return list(cursor.fetchall())

    def has_due(self, now: datetime, without: Collection[str] = ()) -> bool:
        return bool(self.due(FreePlaces(left=1, each=1, taken={}), without, now))
