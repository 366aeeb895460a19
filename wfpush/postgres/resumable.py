"""Operations for migrations that are not atomic, which can run again after an interruption."""

import time
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres import operations
from django.db import migrations, transaction
from django.db.utils import OperationalError

from wfpush.postgres import lock_waits

TRIES = 60
PAUSE_SECONDS = 0.5
"""Seconds between tries to get a lock. Transactions that have waited behind the last try go on meanwhile."""


class AddConstraintNotValid(operations.AddConstraintNotValid):
    """Django's operation, which first drops a constraint that an interrupted migration has made."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(from_state.apps.get_model(app_label, self.model_name)._meta.db_table)
        name = schema_editor.quote_name(self.constraint.name)
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddField(migrations.AddField):
    """Django's operation, which leaves a column that an interrupted migration has added. For fields that take one
    statement: without an index, and with `db_default` or null."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        usual = schema_editor.sql_create_column
        schema_editor.sql_create_column = usual.replace("ADD COLUMN", "ADD COLUMN IF NOT EXISTS")
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_column = usual


class RunEachSQL(migrations.RunSQL):
    """Runs each statement in a transaction of its own, which waits only briefly for its locks: everybody else waits
    behind it, and no two tables are locked at once, in whatever order others lock them. The statements can be repeated.
    """

    def __init__(self, sql: Iterable[str], reverse_sql: Iterable[str]) -> None:
        super().__init__(list(sql), list(reverse_sql))

    def _run_sql(self, schema_editor: Any, sqls: Any) -> None:
        for statement in sqls:
            run_alone(schema_editor, statement)


def run_alone(schema_editor: Any, statement: str) -> None:
    """Run a statement in its own transaction. Raises OperationalError if others hold the lock during all tries."""
    for tries_left in reversed(range(TRIES)):
        try:
            with lock_waits.limited(lock_waits.FIRST_SECONDS), transaction.atomic(schema_editor.connection.alias):
                lock_waits.apply()
                schema_editor.execute(statement, params=None)
            return
        except OperationalError as error:
            if not tries_left or not lock_waits.in_vain(error):
                raise
        time.sleep(PAUSE_SECONDS)
