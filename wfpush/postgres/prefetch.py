"""Foreign keys of many rows, read at once."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db.models import Model

from wfpush.postgres import keys
from wfpush.postgres.joined import Joined, Table

ModelT = TypeVar("ModelT", bound=Model)


def read(
    model: type[ModelT], name: str, rows: Iterable[Model], *, only: Sequence[str] = (), known: Iterable[ModelT] = ()
) -> Collection[ModelT]:
    """Read what the foreign key of that name leads to, each row once, and set it on the rows: as Django's prefetching
    does, in a third of the time. Call it in the transaction in which the rows were read, so that nothing can be deleted
    in between.

    `only`: the fields to read; empty: all. `known`: rows that the transaction has read already. Returns all to which
    the rows lead.
    """
    rows = list(rows)
    ids = {getattr(row, f"{name}_id") for row in rows} - {None}
    found: dict[Any, ModelT] = {row.pk: row for row in known if row.pk in ids}
    if missing := ids - found.keys():
        reader, statement = _reading(model, tuple(only))
        found |= {row.pk: row for (row,) in reader.read(statement, [keys.array(missing)])}
    for row in rows:
        pk = getattr(row, f"{name}_id")
        row._state.fields_cache[name] = found[pk] if pk is not None else None  # the descriptor takes five times as long
    return found.values()


@cache
def _reading(model: type[Model], only: tuple[str, ...]) -> tuple[Joined, str]:
    reader = Joined(wanted=Table(model, only))
    assert model._meta.pk is not None
    where = f'wanted."{model._meta.pk.column}" = ANY(%s::{keys.type_of(model)}[])'
    return reader, f"SELECT {reader.columns} FROM {model._meta.db_table} wanted WHERE {where}"
