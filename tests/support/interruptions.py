"""`python -m tests.support.interruptions STEP`: apply what is left of the migrations; interrupt those not atomic.

Each is interrupted after its first statement, then STEP statements later, and so on until it is through, each time in
the state in which the time before has left it. An interruption closes the connection, as `kill -9` does. An index is
left invalid once, as if its build had been interrupted, and once complete.
"""

import gc
import re
import sys
from itertools import count
from typing import Any

import django
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from wfpush.management.commands.migrate import Executor

BUILD = re.compile(r'CREATE INDEX CONCURRENTLY "?(\w+)')
BREAK = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass"

SCHEMA = r"""
SELECT 'column', table_name, column_name,
       concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default, identity_generation)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'index', tablename, indexname,
       regexp_replace(indexdef, '[()]|::character varying|::text|\[\]', '', 'g')
       || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
FROM pg_indexes JOIN pg_index ON indexrelid = format('%I.%I', schemaname, indexname)::regclass
WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', '', proname, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
UNION ALL
SELECT 'migration', app, name, '' FROM django_migrations
"""
"""All that migrations make but rows: (kind, table, name, definition). Casts are written differently in a database that
has been restored."""


class Interrupted(Exception):
    """Where a real migration would have been killed."""


class Interruption:
    """An `execute_wrapper` that interrupts after so many statements."""

    def __init__(self, after: int, broken: set[str]) -> None:
        self.left = after
        self.broken = broken
        """Indexes that were left invalid before."""

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        self.left -= 1
        if self.left == 0:
            self._break_index(str(sql))
            raise Interrupted
        return result

    def _break_index(self, sql: str) -> None:
        if (match := BUILD.match(sql)) and match[1] not in self.broken:
            self.broken.add(match[1])
            with connection.cursor() as cursor:
                cursor.execute(BREAK, [match[1]])


def main() -> None:
    gc.disable()  # states of migrations are many objects that live long
    django.setup()
    executor = Executor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    state = executor._create_project_state(with_applied_migrations=True)
    for migration, _ in plan:
        if migration.atomic:
            state = executor.apply_migration(state, migration)
        else:
            state, times = apply(executor, state, migration, int(sys.argv[1]))
            sys.stdout.write(f"{migration}: interrupted {times} times\n")


def apply(executor: Executor, state: ProjectState, migration: Migration, step: int) -> tuple[ProjectState, int]:
    """Return the state after the migration, and how often it was interrupted."""
    broken: set[str] = set()
    for times, statements in enumerate(count(1, step)):
        try:
            with connection.execute_wrapper(Interruption(statements, broken)):
                return executor.apply_migration(state.clone(), migration), times
        except Interrupted:
            connection.close()
    raise AssertionError("unreachable")


if __name__ == "__main__":
    main()
