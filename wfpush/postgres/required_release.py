"""Which release a process needs at least to work with the database.

A migration that takes away what older releases read, or demands what they do not write, has an operation
`RequireRelease`. Its row stays in the database: older processes refuse to start, and say which release is needed.
"""

from typing import Any

from django.db import connection
from django.db.migrations.operations.base import Operation, OperationCategory

from wfpush import VERSION

TABLE = "wfpush_requiredrelease"


class RequireRelease(Operation):
    """From here on, processes of releases before `version` cannot use the database. That release itself can: it does
    not need any more what the migration takes away."""

    category = OperationCategory.PYTHON
    reduces_to_sql = True
    reversible = True

    def __init__(self, version: str) -> None:
        self.version = version

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f"INSERT INTO {TABLE} (version) VALUES (%s) ON CONFLICT DO NOTHING", [self.version])

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f"DELETE FROM {TABLE} WHERE version = %s", [self.version])

    def describe(self) -> str:
        return f"Require release {self.version}"


def find_newer_requirement() -> str:
    """The release that the database requires; empty if this code is that release or a newer one. Raises
    django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE])
        if cursor.fetchone() != (True,):
            return ""
        cursor.execute(f"SELECT version FROM {TABLE}")
        required = max((version for (version,) in cursor.fetchall()), key=numbers, default="0.0.0")
    return required if numbers(required) > numbers(VERSION) else ""


def numbers(version: str) -> tuple[int, ...]:
    """The three numbers of a release, which are ordered as releases are."""
    return tuple(int(number) for number in version.split("."))
