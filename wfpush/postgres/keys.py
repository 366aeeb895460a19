"""Many keys as one parameter of a statement. With `pk__in` Django quotes each key: five times as slow for 5,000."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Model, Value


def among(model: type[Model], keys: Iterable[object], name: str = "pk") -> Func:
    """Return a condition of `filter`: the field of this name has one of these keys of the model."""
    of_keys = f"%(expressions)s::{type_of(model)}[])"
    return Func(F(name), Value([*keys]), template=of_keys, arg_joiner=" = ANY(", output_field=BooleanField())


def type_of(model: type[Model]) -> str:
    """Return PostgreSQL's type of the model's key."""
    pk: Any = model._meta.pk
    return str(pk.rel_db_type(connection))
