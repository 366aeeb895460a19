"""Thousands of rows like one that is there, made by PostgreSQL."""

from django.db import connection, models

_ROWS = """
INSERT INTO {table} SELECT made.* FROM {table} pattern, generate_series(%s, %s) n,
LATERAL jsonb_populate_record(pattern, jsonb_build_object({values})) made WHERE pattern.{key} = %s
"""


def multiply(row: models.Model, numbers: range, **values: str) -> None:
    """Insert a copy of the row for each number. `values` are SQL expressions by column; `n` is the number."""
    meta = row._meta
    listed = ", ".join(f"'{name}', {value}" for name, value in values.items())
    statement = _ROWS.format(table=meta.db_table, key=meta.pk.column, values=listed)
    with connection.cursor() as cursor:
        cursor.execute(statement, [numbers.start, numbers.stop - 1, row.pk])


def made_id(kind: int) -> str:
    """An expression for the UUID of the n-th row of a kind, in the order of n, after all that were made before."""
    milliseconds = "(extract(epoch FROM now()) * 1000)::bigint + 1000"
    return f"(lpad(to_hex({milliseconds}), 12, '0') || '7{kind:03}8000' || lpad(to_hex(n), 12, '0'))::uuid"


def analyze(*models_: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        for model in models_:
            cursor.execute(f"ANALYZE {model._meta.db_table}")
