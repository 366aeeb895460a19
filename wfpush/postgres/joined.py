"""Objects of joined tables, read by a statement that is written once.

Django makes the SQL of a query anew each time, which takes longer than running it where several tables are joined. This
is for queries that every request, or every transaction under load, makes.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Field, Model


@dataclass(frozen=True)
class Table:
    """A table of the statement, with these of its columns: only those named and the key, or all but those named."""

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
    """Place of the key among the names."""
    readers: list[tuple[int, Callable[..., Any]]]
    """Of values that are something else in Python, such as JSON, by their places."""


class Joined:
    """`tables`: by the names that they have in the statement, in which `columns` is what is selected."""

    def __init__(self, **tables: Table) -> None:
        fields = {name: table.fields() for name, table in tables.items()}
        self.columns = ", ".join(f'{name}."{field.column}"' for name, mine in fields.items() for field in mine)
        self._parts = [_part(tables[name].model, mine) for name, mine in fields.items()]

    def read(self, statement: str, parameters: Sequence[Any]) -> list[list[Any]]:
        """For each row an object of each table, or None where an outer join found none."""
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
