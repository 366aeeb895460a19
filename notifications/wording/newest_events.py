"""The newest events of some types, by an index, however many others came since."""

from typing import Any

from django.db import connection

from notifications.models import Engine, Event
from notifications.types import BEHAVIOURS, behaviour_of

MOST_TYPES = 100
"""Types of an engine among which those with a prefix of its own, such as com.acme.task.assigned, are found."""

AMONG, SOME = 10_000, 2_000
"""Newest events of any type that are looked through; and events of a type that are looked at."""

_TYPES = """
SELECT engine.id, known.type FROM unnest(%s::bigint[]) AS engine(id) CROSS JOIN LATERAL (
    WITH RECURSIVE step AS (
        (SELECT type FROM notifications_event WHERE engine_id = engine.id ORDER BY type LIMIT 1)
        UNION ALL
        SELECT following.type FROM step CROSS JOIN LATERAL (
            SELECT type FROM notifications_event WHERE engine_id = engine.id AND type > step.type ORDER BY type LIMIT 1
        ) AS following
    ) SELECT type FROM step LIMIT %s
) AS known
"""
"""Each step is one look into the index."""

_AMONG_NEWEST = """
SELECT id FROM (
    SELECT id, engine_id, type FROM notifications_event ORDER BY id DESC LIMIT %s
) AS newest WHERE (engine_id, type) IN (SELECT * FROM unnest(%s::bigint[], %s::text[])) ORDER BY id DESC LIMIT %s
"""

_OF_TYPES = """
SELECT found.id FROM unnest(%s::bigint[], %s::text[]) AS pair(engine_id, type) CROSS JOIN LATERAL (
    SELECT id FROM notifications_event
    WHERE (engine_id, type) >= (pair.engine_id, pair.type) AND (engine_id, type) <= (pair.engine_id, pair.type)
    ORDER BY engine_id DESC, type DESC LIMIT %s
) AS found ORDER BY found.id DESC LIMIT %s
"""
"""Written so that only the index by types has this order: with “=” PostgreSQL reads all the newest events, of any type,
until it has found enough. The index holds the rows of a type in the order of the table, those stored last come first;
with their ids in it, it would be five times as large."""


def newest_events(engine: Engine | None, names: set[str], most: int) -> list[Any]:
    """Return ids of events, the newest first. `names`: types, or the behaviours of types with prefixes; none: all.

    For types that are rare among the AMONG newest events, only the newest of SOME that the index has.
    """
    if engine is None and not names:
        return list(Event.objects.order_by("-id").values_list("pk", flat=True)[:most])
    engines = [engine.pk] if engine is not None else list(Engine.objects.values_list("pk", flat=True))
    pairs = {(pk, name) for pk in engines for name in names}
    with connection.cursor() as cursor:
        if not names or names & set(BEHAVIOURS):
            cursor.execute(_TYPES, [engines, MOST_TYPES])
            pairs |= {(pk, name) for pk, name in cursor.fetchall() if not names or behaviour_of(name) in names}
        pair_columns = [pk for pk, _ in pairs], [name for _, name in pairs]
        cursor.execute(_AMONG_NEWEST, [AMONG, *pair_columns, most])
        ids = [row[0] for row in cursor.fetchall()]
        if len(ids) < most:
            cursor.execute(_OF_TYPES, [*pair_columns, SOME, most])
            ids = sorted({*ids, *(row[0] for row in cursor.fetchall())}, reverse=True)[:most]
        return ids
