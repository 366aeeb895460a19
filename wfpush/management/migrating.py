"""Runs migrations, and says at times how far they are: on a slow machine the first ones take minutes."""

import time
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from wfpush.management.commands import migrate
from wfpush.management.starting import show

SHOW_SECONDS = 10.0


def apply() -> None:
    """Run `migrate`, with its checks. Nothing is printed where there is nothing to apply."""
    executor = MigrationExecutor(connection)
    call_command(
        _Migrate(len(executor.migration_plan(executor.loader.graph.leaf_nodes()))),
        interactive=False,
        verbosity=0,
        skip_checks=False,
    )


class _Migrate(migrate.Command):
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
