"""Inserts or updates many rows with one statement.

Django's `bulk_create` and `bulk_update` do the same, with a parameter or a CASE for each value. Here the rows are one
parameter: a JSON array that PostgreSQL reads as rows of the table (json_populate_recordset in its documentation). That
costs a fifth of the processor time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.db import connection, models
from django.db.models.base import ModelState

T = TypeVar("T")
RowT = TypeVar("RowT", bound=models.Model)

MAX_ROWS = 250
"""Rows of one statement. PostgreSQL writes them while the next are made (`pipelined`), and a message to thousands does
not need the memory of all of them."""


def insert(rows: Sequence[models.Model], *, ignore_conflicts: bool = False) -> None:
    """Insert new rows of one model. Keys that the database makes are not read back. `ignore_conflicts`: existing rows
    stay as they are."""
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns = ", ".join(_quoted(field) for field in fields)
    statement = f"INSERT INTO {_table(model)} ({columns}) SELECT {columns} FROM {_source(model)}"
    _run(f"{statement} ON CONFLICT DO NOTHING" if ignore_conflicts else statement, rows, fields, add=True)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def new(model: type[RowT], **values: Any) -> RowT:
    """Return a new row with these values (objects, or None, for foreign keys). `model(**values)` takes five times as
    long."""
    if model not in _blanks:
        fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        _blanks[model] = model(), [field for field in fields if field.has_default() and callable(field.default)]
    blank: RowT
    blank, made = _blanks[model]
    for field in made:
        values.setdefault(field.name, field.default())
    return another(blank, **values)


_blanks: dict[type[models.Model], tuple[Any, list[Any]]] = {}


def another(row: RowT, **values: Any) -> RowT:
    """Return a copy of an unsaved row with a new key and these values (objects for foreign keys). A model's `__init__`
    takes five times as long."""
    made = object.__new__(type(row))
    attributes, state = made.__dict__, ModelState()
    attributes.update(row.__dict__)
    attributes["_state"], cache = state, dict(row._state.fields_cache)
    state.fields_cache = cache
    made.pk = row._meta.pk.get_default()
    for name, value in values.items():
        if isinstance(value, models.Model):
            cache[name], attributes[f"{name}_id"] = value, value.pk
        elif value is None and f"{name}_id" in attributes:
            cache[name] = attributes[f"{name}_id"] = None
        else:
            attributes[name] = value
    return made


def update(
    rows: Sequence[models.Model],
    names: Iterable[str],
    *,
    also: Sequence[str] = (),
    compared: Sequence[str] = (),
    where: Sequence[str] = (),
) -> int:
    """Set the named fields to the values that the rows, of one model, have in memory. Return the number of updated
    rows.

    `also` and `where` are further assignments and conditions in SQL. There `work` is the table, and `said` has the
    rows' values in memory: the key, the fields set, and those `compared`.
    """
    if not rows:
        return 0
    model = type(rows[0])
    pk = model._meta.pk
    assert pk is not None
    fields = [model._meta.get_field(name) for name in sorted(set(names))]
    sets = ", ".join([*(f"{_quoted(field)} = said.{_quoted(field)}" for field in fields), *also])
    conditions = " AND ".join([f"work.{_quoted(pk)} = said.{_quoted(pk)}", *where])
    statement = f"UPDATE {_table(model)} AS work SET {sets} FROM {_source(model)} WHERE {conditions}"
    return _run(statement, rows, [pk, *fields, *(model._meta.get_field(name) for name in compared)], add=False)


def _source(model: type[models.Model]) -> str:
    return f"json_populate_recordset(NULL::{_table(model)}, %s::json) AS said"


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(field: Any) -> str:
    return connection.ops.quote_name(field.column)


def _run(statement: str, rows: Sequence[models.Model], fields: Sequence[Any], *, add: bool) -> int:
    done, left, columns = 0, iter(rows), [(field, _is_usual(field)) for field in fields]
    with connection.cursor() as cursor:
        while some := list(islice(left, MAX_ROWS)):
            batch = [_values(row, columns, add) for row in some]
            cursor.execute(statement, [msgspec.json.encode(batch).decode()])
            done += cursor.rowcount
    return done


_READY = frozenset({type(None), str, int, bool, datetime, UUID})
"""Values of these types are written as they are, unless the field is an unusual one."""

_UNREAD = object()


def _is_usual(field: Any) -> bool:
    """Return whether the field never changes ready values: a field of Django's own that does not set the time."""
    sets_now = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return not sets_now and all(
        getattr(type(field), name).__module__.startswith("django.db.models.") for name in ("pre_save", "get_prep_value")
    )


def _values(row: models.Model, columns: Sequence[tuple[Any, bool]], add: bool) -> dict[str, Any]:
    """Return the values by column, without None. Asking each field for each value would take three times as long."""
    attributes, values = row.__dict__, {}
    for field, is_usual in columns:
        value = attributes.get(field.attname, _UNREAD) if is_usual else _UNREAD
        if type(value) not in _READY:
            value = field.get_prep_value(field.pre_save(row, add))
        if value is not None:
            values[field.column] = value
    return values


class Writes:
    """Rows that a transaction will write. `write` inserts and updates the rows of each table by one statement.

    Tables are written in the order in which their first rows came, so a row comes after those that it refers to.
    """

    def __init__(self) -> None:
        self._new: dict[type[models.Model], list[models.Model]] = {}
        self._changed: dict[type[models.Model], dict[Any, tuple[models.Model, set[str]]]] = {}
        self._cache: dict[Any, Any] = {}
        self._gathered: dict[Callable[[list[Any]], None], list[Any]] = {}

    def insert(self, row: models.Model) -> None:
        self._new.setdefault(type(row), []).append(row)

    def once(self, key: Any, find: Callable[[], T]) -> T:
        """Return the result of `find`, called once for each key in this transaction."""
        if key not in self._cache:
            self._cache[key] = find()
        cached: T = self._cache[key]
        return cached

    def gather(self, do: Callable[[list[T]], None], item: T) -> None:
        """Call `do` once with all items, before the rows are written."""
        self._gathered.setdefault(do, []).append(item)

    def waiting(self, model: type[models.Model]) -> Sequence[Any]:
        """Return the rows of the model that are still to be inserted."""
        return self._new.get(model, [])

    def update(self, row: models.Model, *names: str) -> None:
        """Update the named fields of the row, or all without names. A row that will be inserted needs no update."""
        if row._state.adding:
            return
        changed = self._changed.setdefault(type(row), {})
        every = (field.name for field in row._meta.concrete_fields if not field.primary_key)
        changed.setdefault(row.pk, (row, set()))[1].update(names or every)

    def write(self) -> None:
        for do, items in self._gathered.items():
            do(items)
        for rows in self._new.values():
            insert(rows)
        for changed in self._changed.values():
            alike: dict[tuple[str, ...], list[models.Model]] = {}
            for row, names in changed.values():
                alike.setdefault(tuple(sorted(names)), []).append(row)
            for same, rows in alike.items():
                update(rows, same)
        self._new, self._changed, self._gathered = {}, {}, {}


class AtOnce(Writes):
    """Writes each row at once, and caches nothing. For callers of many transactions."""

    def once(self, key: Any, find: Callable[[], T]) -> T:
        return find()

    def gather(self, do: Callable[[list[T]], None], item: T) -> None:
        do([item])

    def insert(self, row: models.Model) -> None:
        row.save(force_insert=True)

    def update(self, row: models.Model, *names: str) -> None:
        row.save(update_fields=names or None)


AT_ONCE = AtOnce()


@contextmanager
def pipelined() -> Iterator[None]:
    """Send the block's statements without waiting for them (psycopg's pipeline mode). Use it inside a transaction.

    A fault is raised by a later statement, or at the end. Statements do not return the number of changed rows, which
    Django's `save` and `update` rely on: use the functions of this module, or SQL.
    """
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors, raw.pipeline():
        yield
