"""Django's `migrate`, which can be interrupted at any point, even by `kill -9`, and then runs again.

Two gaps of Django are closed here, a third one in wfpush/postgres/base.py. Django records migrations that make foreign
keys after their transaction, and does not notice statements of a killed `migrate` that still run on the server.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import Error, connection, connections, transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from wfpush.management.starting import show

PAUSE_SECONDS = 0.2
"""Seconds between two tries to get the lock. A statement that waits has a snapshot, and `CREATE INDEX CONCURRENTLY`
waits for older snapshots: each would wait for the other."""


class Executor(MigrationExecutor):
    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Apply a migration and record it, in one transaction unless it is not atomic."""
        if not migration.atomic:
            return super().apply_migration(state, migration, fake, fake_initial)
        with transaction.atomic(self.connection.alias):
            return super().apply_migration(state, migration, fake, fake_initial)


migrate.MigrationExecutor = Executor  # type: ignore[attr-defined]  # Django's command takes no other


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if options["check_unapplied"] or options["plan"]:
            super().handle(*args, **options)
            return
        with only_one(connections[options["database"]], self._report_wait):
            super().handle(*args, **options)

    def _report_wait(self) -> None:
        self.stdout.write("Another `migrate` is at work on this database. Waiting until it has ended.")


@contextmanager
def only_one(connection: Any, report_wait: Callable[[], None]) -> Iterator[None]:
    """Wait until no other session migrates. The lock ends with its session: if `migrate` is killed, only when the
    statement that it left running has ended."""
    with connection.cursor() as cursor:
        if not _succeeds(cursor, "pg_try_advisory_lock"):
            report_wait()
            while not _succeeds(cursor, "pg_try_advisory_lock"):
                time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:  # the connection may be lost
            _succeeds(cursor, "pg_advisory_unlock")


def _succeeds(cursor: Any, function: str) -> bool:
    cursor.execute(f"SELECT {function}(hashtextextended('wfpush migrate', 0))")
    return bool(cursor.fetchone()[0])


SHOW_SECONDS = 10.0


def apply() -> None:
    """Run `migrate`, with its checks. Print nothing if there is nothing to apply."""
    executor = MigrationExecutor(connection)
    call_command(
        _Migrate(len(executor.migration_plan(executor.loader.graph.leaf_nodes()))),
        interactive=False,
        verbosity=0,
        skip_checks=False,
    )


class _Migrate(Command):
    """`migrate`, with another way to show progress. `total`: number of migrations to apply."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total, self._applied = total, 0
        self._shown_at = time.monotonic()
        if total:
            self._show()

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_success":
            self._applied += 1
            if self._applied == self._total or time.monotonic() - self._shown_at > SHOW_SECONDS:
                self._show()

    def _show(self) -> None:
        show(f"Migrating the database: {self._applied} of {self._total}")
        self._shown_at = time.monotonic()
