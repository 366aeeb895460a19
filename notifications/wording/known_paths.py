"""Paths of the values that events carried: those of the newest events, of samples, and declared variables.

An event can have very many members, deep or long ones: the events, their members and the time are limited.
"""

import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import OperationalError, connection
from psycopg.errors import QueryCanceled

from notifications.models import Engine, Event, EventType, EventVariable
from notifications.types import BEHAVIOURS, Json, behaviour_of, lookup
from notifications.wording.formats import as_instant
from notifications.wording.plaintext import cut, escape_hidden, escape_hidden_in_json
from wfpush.postgres.local_settings import with_settings

log = structlog.get_logger(__name__)

NEWEST = 200
"""Maximum events that are read."""
AT_ONCE = 50
PATIENCE, SECONDS = 1_000, 1.5
"""Milliseconds of a statement, and seconds after which no more events are read."""
BY_INDEX = {f"enable_{way}": "off" for way in ("seqscan", "bitmapscan", "sort", "incremental_sort")} | {"jit": "off"}
"""Planner settings: without statistics of new events, PostgreSQL would read all events of a type and sort them."""
MOST_OF_AN_EVENT, MOST_PATHS, DEEPEST, LONGEST = 300, 500, 8, 150
LONGEST_VALUE = 80

OF_EVENTS = ("type", "source", "subject", "engine")
ALWAYS = tuple(f"event.{name}" for name in OF_EVENTS)
OF_CASES = ("case.id", "case.title", "case.type", "case.status", "case.url")
"""Paths of the case that an event or task belongs to, whether its own data has them or not."""

KINDS = ("text", "number", "date", "yes or no", "list", "object")
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class KnownPath:
    """A path in events. `count` of the newest events have a value there, `share` (0 to 1) of them; 0 if only a sample
    or a declared variable has it. `last` is the newest value as text."""

    path: str
    kind: str = "text"
    share: float = 0
    count: int = 0
    last: str = ""
    sensitive: bool = False
    label: str = ""


@dataclass
class EventHistory:
    """The data of `events`, the newest first, and the known paths."""

    events: list[Json] = field(default_factory=list)
    paths: list[KnownPath] = field(default_factory=list)

    def had(self, path: str) -> int:
        """Return how many of the events have a value there."""
        return sum(lookup(each, path) is not None for each in self.events)

    def describes(self, path: str) -> bool:
        """Return whether a sample or declared variable has the path."""
        return any(_without_positions(each.path) == _without_positions(path) for each in self.paths if not each.count)

    @property
    def names(self) -> set[str]:
        """The paths of all values that have nothing below them, without positions in lists."""
        paths = {_without_positions(each.path) for each in self.paths}
        return paths - {path.rpartition(".")[0] for path in paths}


def known_paths(engine: Engine | None, event_types: Collection[EventType | str]) -> list[KnownPath]:
    """Return the paths in events of these types, the most frequent first. No types: all types."""
    return carried(engine, event_types).paths


def carried(engine: Engine | None, event_types: Collection[EventType | str]) -> EventHistory:
    names = {str(each) for each in event_types}
    events = _read(engine, names)
    history = EventHistory(events)
    seen: dict[str, _Tally] = {}
    for event in events:
        for path, value in _values(event):
            seen.setdefault(path, _Tally()).add(value)
    types = EventType.objects.order_by("name")
    described = list(types.filter(name__in=names | set(map(behaviour_of, names))) if names else types)
    declared = list(EventVariable.objects.filter(event_type__in=described).order_by("path"))
    history.paths = _merge(seen, len(events), [each.sample for each in described], declared)
    return history


# --- data of events ---------------------------------------------------------------------------------------------------
def _read(engine: Engine | None, names: set[str]) -> list[Json]:
    """Return data of the newest events, with `event` as conditions have it; fewer if reading takes too long."""
    documents: list[Json] = []
    until = time.monotonic() + SECONDS
    with _time_limit(engine, names):
        ids = newest_events(engine, names, NEWEST)
        while ids and time.monotonic() < until:
            documents += _data(ids[:AT_ONCE])
            del ids[:AT_ONCE]
    return documents


def newest_in_time(engine: Engine | None, names: set[str], most: int) -> list[Any]:
    """Return ids of the newest events, like `newest_events`; none if that takes too long."""
    with _time_limit(engine, names):
        return newest_events(engine, names, most)
    return []


@contextmanager
def _time_limit(engine: Engine | None, names: set[str]) -> Iterator[None]:
    """End the block at a statement that takes longer than PATIENCE."""
    try:
        with with_settings(statement_timeout=str(PATIENCE), **BY_INDEX):
            yield
    except OperationalError as fault:
        if not isinstance(fault.__cause__, QueryCanceled):
            raise
        log.warning("known_paths_take_too_long", engine=engine and engine.slug, types=len(names))


def _data(ids: list[Any]) -> list[Json]:
    events = Event.objects.filter(pk__in=ids).order_by("-id")
    rows = events.values_list("data", "type", "source", "subject", "engine__slug")
    return [
        {**(data if isinstance(data, dict) else {}), "event": dict(zip(OF_EVENTS, columns, strict=True))}
        for data, *columns in rows
    ]


def _values(event: Json | list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield all values whose paths can be written, those nearest to the top first; of a list the first entry."""
    level: list[tuple[str, Any]] = [("", event)]
    left = MOST_OF_AN_EVENT
    for _depth in range(DEEPEST):
        below: list[tuple[str, Any]] = []
        for path, value in (member for around in level for member in _members(*around)):
            if left <= 0:
                return
            left -= 1
            if value is not None:
                below.append((path, value))
                if not path.rpartition(".")[2].isdecimal():
                    yield path, value
        level = below


def _members(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    start = f"{path}." if path else ""
    if isinstance(value, list):
        members: Iterable[tuple[str, Any]] = [("0", value[0])] if value and isinstance(value[0], dict) else []
    else:
        members = value.items() if isinstance(value, dict) else []
    for name, inner in members:
        if len(start) + len(name) <= LONGEST and (isinstance(value, list) or _NAME.fullmatch(name)):
            yield start + name, inner


def paths_in(document: Any) -> list[KnownPath]:
    """Return the paths of one JSON document that is no event."""
    pairs = _values(document) if isinstance(document, dict | list) else ()
    return [KnownPath(path, _kind(value), 1, 1, text_of(value)) for path, value in pairs if not path[0].isdecimal()]


class _Tally:
    """The values at a path, the newest first."""

    __slots__ = ("kinds", "last")

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.last: Any = None

    def add(self, value: Any) -> None:
        if self.last is None:
            self.last = value
        self.kinds[_kind(value)] += 1

    @property
    def kind(self) -> str:
        return self.kinds.most_common(1)[0][0]


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "yes or no"
        case int() | float():
            return "number"
        case list():
            return "list"
        case dict():
            return "object"
        case str() if _DATE.match(value) and as_instant(value):
            return "date"
    return "text"


def text_of(value: Any) -> str:
    """Return a value in few characters; empty for objects, and for lists that contain objects or lists."""
    if isinstance(value, dict) or value is None:
        return ""
    if isinstance(value, list):
        if any(isinstance(each, dict | list) for each in value):
            return ""
        return cut(escape_hidden_in_json(value[:10])[1:-1], LONGEST_VALUE)
    if isinstance(value, bool):
        return "true" if value else "false"
    return cut(escape_hidden(" ".join(str(value)[: 4 * LONGEST_VALUE].split())), LONGEST_VALUE)


# --- with samples and declared variables ------------------------------------------------------------------------------
def _merge(seen: dict[str, _Tally], events: int, samples: list[Json], declared: list[EventVariable]) -> list[KnownPath]:
    labels = {each.path: each.label for each in declared if each.label}
    sensitive = {_without_positions(each.path) for each in declared if each.sensitive}

    def describe(path: str, kind: str, count: int, value: Any) -> KnownPath:
        share = count / events if events else 0
        label = labels.get(path, "")
        return KnownPath(path, kind, share, count, text_of(value), _is_in(path, sensitive), label)

    most = sorted(seen, key=lambda path: (-seen[path].kinds.total(), path))[:MOST_PATHS]
    by_path = {path: describe(path, seen[path].kind, seen[path].kinds.total(), seen[path].last) for path in most}
    for sample in samples:
        for path, value in _values(sample if isinstance(sample, dict) else {}):
            if path not in by_path and len(by_path) < 2 * MOST_PATHS:
                by_path[path] = describe(path, _kind(value), 0, value)
    for path in (*ALWAYS, *(each.path for each in declared)):
        by_path.setdefault(path, describe(path, "text", 0, None))
    return list(by_path.values())


def _is_in(path: str, around: set[str]) -> bool:
    """Return whether the path, or an object around it, is among these paths."""
    names = _without_positions(path).split(".")
    return any(".".join(names[:length]) in around for length in range(1, len(names) + 1))


def _without_positions(path: str) -> str:
    return ".".join(name for name in path.split(".") if not name.isdecimal())


MOST_TYPES = 100
"""Types of an engine that are searched for those with a prefix of its own, such as com.acme.task.assigned."""

AMONG, SOME = 10_000, 2_000
"""Newest events of any type that are searched first; then newest events of one type that are searched."""

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
"""Written so that only the index by types has this order. With “=” PostgreSQL reads all the newest events, of any type,
until it has enough. The index holds the rows of a type in the order of the table, those stored last come first; with
their ids in it, it would be five times as large."""


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
