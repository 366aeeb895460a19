"""The revision of the configuration: it changes with every statement that changes a table of it.

Statement triggers of those tables (`create_triggers`) write a row of `ConfigurationChange` in the transaction of the
change. So an edit in the admin, a bulk action, `loaddata` and SQL count alike, and one that is
rolled back never happened. Rows are inserted only: no edit waits for another.

Each process keeps its compiled configuration until the revision changes (`Compiled`).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Generic, TypeVar

from django.db import connection
from django.db.models import QuerySet

from wfpush.models import ConfigurationChange

T = TypeVar("T")

Revision = tuple[int | None, int, int | None]

TRIES = 5
"""The most times that the configuration is read again because it was changed meanwhile."""


_CURRENT = "SELECT max(id), count(*), sum(id)::bigint FROM wfpush_configurationchange"


def current() -> Revision:
    """Return the revision as this transaction sees it, changes of its own included.

    Ids are not committed in their order: a change with a smaller id may come later. It changes the number of rows and
    the sum of the ids, as removing old rows does.
    """
    if _held.revision is not None:
        return _held.revision
    with connection.cursor() as cursor:
        cursor.execute(_CURRENT)
        revision: Revision = cursor.fetchone()
    if _held.depth:
        _held.revision = revision
    return revision


def changes_before(past: datetime) -> QuerySet[ConfigurationChange]:
    """Return old rows, which may be removed. That changes the revision, so the configuration is read again."""
    return ConfigurationChange.objects.filter(changed_at__lt=past)


def create_triggers(tables: Mapping[str, str]) -> list[str]:
    """Return the statements by which changes of tables change the revision, one for each table; they can be repeated.
    A table's value is empty, or the columns that count, such as ` OF name, slug`."""
    return [
        f"CREATE OR REPLACE TRIGGER configuration_changed AFTER INSERT OR UPDATE{columns} OR DELETE OR TRUNCATE"
        f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION wfpush_configuration_changed()"
        for table, columns in tables.items()
    ]


def drop_triggers(tables: Iterable[str]) -> list[str]:
    """Return the statements that undo those of `create_triggers`."""
    return [f"DROP TRIGGER IF EXISTS configuration_changed ON {table}" for table in tables]


class _HeldRevision(threading.local):
    depth = 0
    revision: Revision | None = None


_held = _HeldRevision()


@contextmanager
def held() -> Iterator[None]:
    """Read the revision once in the block: a batch has one configuration, whatever is edited meanwhile."""
    _held.depth += 1
    try:
        yield
    finally:
        _held.depth -= 1
        if not _held.depth:
            _held.revision = None


class Compiled(Generic[T]):
    """The result of `read` from the configuration, kept while the revision is the same.

    The result is shared by all threads, and must not be changed. `read` may read tables with the triggers only.
    """

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._cached: tuple[str, Revision, T] | None = None

    def get(self) -> T:
        database, revision = str(connection.settings_dict["NAME"]), current()
        cached = self._cached
        if cached is not None and cached[:2] == (database, revision):
            return cached[2]
        compiled = self._read()
        for _ in range(TRIES):
            # Unchanged in between: all was read of one revision, for each statement sees what is committed by then.
            if (now := _read_again()) == revision:
                self._cached = database, revision, compiled
                break
            revision, compiled = now, self._read()
        return compiled


def _read_again() -> Revision:
    """Read the present revision, which the batch has from here on."""
    _held.revision = None
    return current()
