"""Compares the database's schema with this code's, and explains how to make them fit.

Nothing here trusts `django_migrations` alone. Development versions before 0.2.0 edited their first migration in place.
On databases without some columns `migrate` then found nothing to do, and events were taken and never processed. Tables
and columns are read from PostgreSQL's catalogue, all in one statement. Older code cannot see some changes there, such
as rows of another form: for these the database has the release that it requires.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from wfpush import VERSION
from wfpush.postgres.required_release import find_newer_requirement

log = structlog.get_logger(__name__)

OUR_APPS = ("wfpush", *settings.CORE, *settings.FEATURES)
"""Apps whose migrations are written here. Unknown migrations of other apps may have been merged by their package."""
TRUSTED_SECONDS = 60.0
"""Seconds for which a right schema is not checked again: `/readyz` is called every few seconds."""
SHOWN = 4
GUIDE = "docs/operations/upgrading.md, Upgrading"

Columns = dict[str, frozenset[str]]
"""The names of columns by table."""

CATALOGUE = """
SELECT c.relname, a.attname,
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = ''
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'f') AND pg_table_is_visible(c.oid)
  AND a.attnum > 0 AND NOT a.attisdropped
"""


class WrongSchema(Exception):
    """Raised if the database and this code do not fit. The message says what to do."""


@dataclass(frozen=True)
class Schema:
    """The differences of a schema, such as the migration `wfpush.0001_initial`, the column `wfpush_tally.state`."""

    unapplied: Sequence[str] = ()
    unknown: Sequence[str] = ()
    missing: Sequence[str] = ()
    unfilled: Sequence[str] = ()
    """Required columns that this code does not know: every insert into those tables fails."""
    required_release: str = ""
    """The release that the database requires, if it is newer than this one."""

    @property
    def fault(self) -> str:
        """The reason why this code cannot work on this database, with the remedy; empty if it can."""
        if self.required_release:
            return (
                f"release {self.required_release} or newer is needed, and this is {VERSION}; update this process to"
                f" that release, or restore the backup from before the upgrade ({GUIDE})"
            )
        if self.unapplied:
            return f"{_listed(self.unapplied)} not applied; run `manage.py migrate`"
        if self.unknown and (self.missing or self.unfilled):
            changed = _listed([*self.missing, *self.unfilled])
            return f"a newer version has changed {changed}; update this process to that version"
        if self.missing:
            return (
                f"lacks {_listed(self.missing)}, though all migrations are recorded as applied: a development version"
                " from before 0.2.0 made it, which cannot be upgraded, or it was changed by hand; start with an empty"
                f" database or restore a backup ({GUIDE})"
            )
        if self.unfilled:
            return f"wants a value in {_listed(self.unfilled)}, which no migration made; take that away ({GUIDE})"
        return ""

    @property
    def note(self) -> str:
        """A difference that does no harm yet: an upgrade under way, in which this process is the older one. Empty if
        there is none."""
        if not self.unknown:
            return ""
        return f"a newer version has applied {_listed(self.unknown)}; update this process, too, when you can"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


# --- comparison -----------------------------------------------------------------------------------
def read_schema() -> Schema:
    """Read the schema from the database. Raises django.db.Error."""
    loader = MigrationLoader(connection)
    applied = loader.applied_migrations.keys()
    ours = set(loader.disk_migrations).union(*(migration.replaces for migration in loader.disk_migrations.values()))
    unknown = [key for key in applied - ours if key[0] in OUR_APPS]
    missing, unfilled = _compare(expected(apps))
    unapplied = loader.graph.nodes.keys() - applied  # Django's plan leaves out those before one that is applied
    return Schema(_format_keys(unapplied), _format_keys(unknown), missing, unfilled, find_newer_requirement())


def _format_keys(keys: Collection[tuple[str, str]]) -> list[str]:
    return [f"{app}.{name}" for app, name in sorted(keys)]


def expected(registry: Any) -> Columns:
    """Return the tables and columns of a registry's models (the real registry, or that of a migration's state)."""
    models = [model._meta for model in registry.get_models(include_auto_created=True)]
    return {
        meta.db_table: frozenset(field.column for field in meta.local_concrete_fields)
        for meta in models
        if meta.managed and not meta.proxy
    }


def _compare(required: Columns) -> tuple[list[str], list[str]]:
    """Return missing columns, or tables without any, and required columns that are not ours."""
    actual: dict[str, dict[str, bool]] = {}
    with connection.cursor() as cursor:
        cursor.execute(CATALOGUE, [list(required)])
        for table, column, wants_value in cursor.fetchall():
            actual.setdefault(table, {})[column] = wants_value
    missing = [table for table in required if table not in actual]
    for table, there in actual.items():
        missing += [f"{table}.{column}" for column in required[table] - there.keys()]
    unfilled = [
        f"{table}.{column}"
        for table, columns in actual.items()
        for column, wants_value in columns.items()
        if wants_value and column not in required[table]
    ]
    return sorted(missing), sorted(unfilled)


# --- callers --------------------------------------------------------------------------------------
class _Trust:
    """A cache of the schema that this process read last."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self.schema = Schema()

    def current(self) -> Schema:
        if time.monotonic() < self._until:
            return self.schema
        self.schema = read_schema()
        if not self.schema.fault:
            self._until = time.monotonic() + TRUSTED_SECONDS
        return self.schema

    def end(self) -> None:
        self._until, self.schema = float("-inf"), Schema()


_trust = _Trust()
current_schema = _trust.current
"""Return the schema read within the last minute; one with a fault is read each time. Raises django.db.Error."""
forget_schema = _trust.end
"""Forget the cached schema."""


def last_found() -> Schema:
    """Return the last result of `current_schema`, without a query."""
    return _trust.schema


def require_current_schema() -> None:
    """Check the schema before web or worker starts. Raises WrongSchema, or django.db.Error."""
    schema = read_schema()
    if schema.fault:
        raise WrongSchema(f"The database does not fit this version: {schema.fault}.")
    if schema.note:
        log.warning("schema_newer", note=schema.note)


def check_before_migrating(databases: Sequence[str] | None, **_: Any) -> list[CheckMessage]:
    """Check that this release can use the database, and that the tables of applied migrations exist before others are
    applied. A system check that only `migrate` runs."""
    if not databases:
        return []
    if required := find_newer_requirement():
        fault = Schema(required_release=required).fault
        return [Error(f"The database does not fit this version: {fault}.", id="wfpush.E004")]
    loader = MigrationLoader(connection)
    applied = [key for key in loader.applied_migrations if key in loader.graph.nodes]
    if not applied:
        return []
    missing, _unfilled = _compare(expected(loader.project_state(applied).apps))
    if not missing:
        return []
    return [Error(f"The database {Schema(missing=missing).fault}.", id="wfpush.E001")]
