"""Django's PostgreSQL backend with a time limit for every wait, and without connections that take no writes.

A server that is gone refuses at once. A server that hangs (a stuck disk, a frozen machine, a network that drops
everything) takes connections and statements and never answers: without limits, one thread after another would be stuck.

A connection may lead to a standby, or have begun while `default_transaction_read_only` was set. It refuses writes for
as long as it lives, even when the primary takes them again. So it is closed before the next request or task.

PostgreSQL keeps the plans of a connection's foreign key checks and triggers. A plan that was made while a table had a
few rows reads the whole table, and a burst makes it grow until each COMMIT is slow. So plans are dropped every few
seconds.
"""

import time
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Index, Model

from wfpush.postgres import driver
from wfpush.postgres.silence import silence

IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


class SchemaEditor(DatabaseSchemaEditor):
    """Repeats migrations that were interrupted while an index was built."""

    def add_index(self, model: type[Model], index: Index, concurrently: bool = False) -> None:
        """Create an index. A concurrent build may have made it before: a complete index is kept, and the rest of an
        interrupted build is dropped and built again."""
        if concurrently and not self.collect_sql:
            name = self.quote_name(index.name)
            with self.connection.cursor() as cursor:
                cursor.execute(IS_VALID, [name])
                row = cursor.fetchone()
            if row == (True,):
                return
            if row is not None:
                self.execute(f"DROP INDEX CONCURRENTLY {name}")
        super().add_index(model, index, concurrently)


OPTIONS: dict[str, int] = {
    "connect_timeout": 5,
    # TCP keepalive finds a cut connection within half a minute. Unix sockets do not need it.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Options of libpq (seconds, the last in milliseconds), unless DATABASE_URL sets others."""

PLANS_SECONDS = 2.0
"""Seconds for which a connection keeps its plans. Making new ones takes some milliseconds."""


class DatabaseWrapper(base.DatabaseWrapper):
    """The class that Django looks for in the module that `ENGINE` names."""

    Database = driver
    SchemaEditorClass = SchemaEditor

    def get_connection_params(self) -> dict[str, Any]:
        return OPTIONS | super().get_connection_params()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with silence.trying():
            self._plans_since = time.monotonic()
            return super().get_new_connection(conn_params)

    def close_if_unusable_or_obsolete(self) -> None:
        """Close a connection that cannot write, and drop old plans. Called before and after each request and task."""
        if self.connection is not None and _reports_read_only(self.connection):
            self.errors_occurred = True  # so `is_usable` is called, as after an error
        super().close_if_unusable_or_obsolete()
        if self.connection is not None and time.monotonic() - self._plans_since > PLANS_SECONDS:
            self._discard_plans()

    def _discard_plans(self) -> None:
        if self.in_atomic_block or self.connection.closed:
            return
        self._plans_since = time.monotonic()
        try:
            self.connection.execute("DISCARD PLANS")
        except driver.Error:
            self.close()

    def is_usable(self) -> bool:
        """Return whether the server answers and takes writes. Costs a round trip."""
        if self.connection is None:
            return False
        try:
            with self.connection.cursor() as cursor:
                return bool(cursor.execute("SHOW transaction_read_only").fetchone() == ("off",))
        except driver.Error:
            return False


def _reports_read_only(connection: driver.Connection) -> bool:
    """Return whether the server last reported itself read-only. Costs no query; a pooler may repeat an old state."""
    if connection.closed:
        return False
    status = connection.info.parameter_status
    return "on" in (status("default_transaction_read_only"), status("in_hot_standby"))
