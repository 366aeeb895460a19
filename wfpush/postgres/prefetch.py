"""Foreign keys of many rows, read at once."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model, QuerySet
from django.db.models.query import ModelIterable

from wfpush.postgres import keys


@dataclass(frozen=True)
class Table:
    """A table of the statement and its columns: only the named ones and the key, or all but the named ones."""

    model: type[Model]
    only: Collection[str] = ()
    without: Collection[str] = ()

    def fields(self) -> "list[Field[Any, Any]]":
        every = self.model._meta.concrete_fields
        if self.only:
            return [field for field in every if field.primary_key or field.attname in self.only]
        return [field for field in every if field.attname not in self.without]


@dataclass(frozen=True)
class _Part:
    model: type[Model]
    names: list[str]
    key: int
    """The place of the key among the names."""
    readers: list[tuple[int, Callable[..., Any]]]
    """Converters of values that are something else in Python, such as JSON, with the values' places."""


class JoinedTables:
    """Several tables in one statement, by their names in it. `columns`: the columns to select."""

    def __init__(self, **tables: Table) -> None:
        fields = {name: table.fields() for name, table in tables.items()}
        self.columns = ", ".join(f'{name}."{field.column}"' for name, mine in fields.items() for field in mine)
        self._parts = [_part(tables[name].model, mine) for name, mine in fields.items()]

    def read(self, statement: str, parameters: Sequence[Any]) -> list[list[Any]]:
        """Return for each row an object of each table, or None where an outer join found none."""
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return [self._objects(row) for row in cursor.fetchall()]

    def _objects(self, row: Sequence[Any]) -> list[Any]:
        objects: list[Any] = []
        start = 0
        for part in self._parts:
            values = list(row[start : start + len(part.names)])
            start += len(values)
            if values[part.key] is None:
                objects.append(None)
                continue
            for place, read in part.readers:
                values[place] = read(values[place], None, connection)
            objects.append(part.model.from_db(connection.alias, part.names, values))
        return objects


def _part(model: type[Model], fields: "Sequence[Field[Any, Any]]") -> _Part:
    readers = [(place, field.from_db_value) for place, field in enumerate(fields) if hasattr(field, "from_db_value")]
    names = [field.attname for field in fields]
    return _Part(model, names, next(place for place, field in enumerate(fields) if field.primary_key), readers)


ModelT = TypeVar("ModelT", bound=Model)


def read(
    model: type[ModelT],
    name: str,
    rows: Iterable[Model],
    *,
    only: Sequence[str] = (),
    already_read: Iterable[ModelT] = (),
) -> Collection[ModelT]:
    """Read the objects of the foreign key of that name, each once, and set them on the rows. Django's prefetching takes
    three times as long. Call it in the transaction in which the rows were read, so that nothing is deleted in between.

    `only`: the fields to read; empty: all. `already_read`: rows that this transaction has read. Returns all objects.
    Raises KeyError if one of them has been deleted all the same.
    """
    rows = list(rows)
    ids = {getattr(row, f"{name}_id") for row in rows} - {None}
    by_pk: dict[Any, ModelT] = {row.pk: row for row in already_read if row.pk in ids}
    if missing := ids - by_pk.keys():
        reader, statement = _reading(model, tuple(only))
        by_pk |= {row.pk: row for (row,) in reader.read(statement, [[*missing]])}
    for row in rows:
        pk = getattr(row, f"{name}_id")
        row._state.fields_cache[name] = by_pk[pk] if pk is not None else None  # the descriptor takes five times as long
    return by_pk.values()


TRIES = 3


class WithRelated(QuerySet[ModelT]):
    """A queryset that reads foreign keys like `select_related`, but each table by a statement of its own.

    For a page of rows, PostgreSQL plans a join of ten tables longer than it runs all of these, and Django makes its SQL
    longer still. It needs no transaction.
    """

    _related: Callable[[Sequence[ModelT]], None]
    """Calls `read` for the rows."""

    @classmethod
    def of(cls, rows: QuerySet[ModelT], related: Callable[[Sequence[ModelT]], None]) -> "WithRelated[ModelT]":
        made = cls(model=rows.model, query=rows.query.chain(), using=rows.db)
        made._related = related
        return made

    def _clone(self) -> "WithRelated[ModelT]":
        made: WithRelated[ModelT] = super()._clone()  # type: ignore[misc]  # Django's, which the stubs do not have
        made._related = self._related
        return made

    def _fetch_all(self) -> None:
        if self._result_cache is not None or not issubclass(self._iterable_class, ModelIterable):
            super()._fetch_all()
            return
        for left in reversed(range(TRIES)):
            super()._fetch_all()
            try:
                self._related(self._result_cache or ())
                return
            except KeyError:  # a referenced row was deleted in between, perhaps with its referring row
                self._result_cache, self._prefetch_done = None, False
                if not left:
                    raise


@cache
def _reading(model: type[Model], only: tuple[str, ...]) -> tuple[JoinedTables, str]:
    reader = JoinedTables(target=Table(model, only))
    assert model._meta.pk is not None
    where = f'target."{model._meta.pk.column}" = ANY(%s::{keys.type_of(model)}[])'
    return reader, f"SELECT {reader.columns} FROM {model._meta.db_table} target WHERE {where}"
