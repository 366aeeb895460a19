"""Many keys as one parameter of a statement: psycopg and Django would look at each of them, and quote it."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Model, Value


def array(keys: Iterable[object]) -> str:
    """UUIDs, whole numbers or None as PostgreSQL reads an array, for `%s::uuid[]` or `%s::bigint[]`."""
    return "{" + ",".join("NULL" if key is None else str(key) for key in keys) + "}"


def among(model: type[Model], keys: Iterable[object], name: str = "pk") -> Func:
    """A condition of `filter`: the field of this name has one of these keys of the model."""
    of_keys = f"%(expressions)s::{type_of(model)}[])"
    return Func(F(name), Value(array(keys)), template=of_keys, arg_joiner=" = ANY(", output_field=BooleanField())


def type_of(model: type[Model]) -> str:
    """PostgreSQL's type of the model's key."""
    pk: Any = model._meta.pk
    return str(pk.rel_db_type(connection))
