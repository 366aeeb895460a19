"""Foreign keys of many rows, read at once."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from django.db.models import Model

ModelT = TypeVar("ModelT", bound=Model)


def read(model: type[ModelT], name: str, rows: Iterable[Model], *, only: Sequence[str] = ()) -> Collection[ModelT]:
    """Read what the foreign key of that name leads to, each row once, and set it on the rows: as Django's prefetching
    does, in half the time. Call it in the transaction in which the rows were read, so that nothing can be deleted in
    between.

    `only`: the fields to read; empty: all.
    """
    ids = {getattr(row, f"{name}_id") for row in rows} - {None}
    wanted = model._default_manager.only(*only) if only else model._default_manager.all()
    found = wanted.in_bulk(ids) if ids else {}
    for row in rows:
        pk = getattr(row, f"{name}_id")
        setattr(row, name, found[pk] if pk is not None else None)
    return found.values()
