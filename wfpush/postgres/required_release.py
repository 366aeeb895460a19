"""The oldest release whose processes can work with the database.

A migration has an operation `RequireRelease` if it removes columns that older releases read, or requires values that
they do not write. Its row stays in the database: older processes refuse to start, and name the required release.
"""

from typing import Any

from django.db import connection
from django.db.migrations.operations.base import Operation, OperationCategory

from wfpush import VERSION

TABLE = "wfpush_requiredrelease"


class RequireRelease(Operation):
    """Refuses the database to processes of releases before `version`. That release itself must not need what the
    migration removes."""

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
    """Return the release that the database requires; empty if this code is that release or a newer one. Raises
    django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE])
        if cursor.fetchone() != (True,):
            return ""
        cursor.execute(f"SELECT version FROM {TABLE}")
        required = max((version for (version,) in cursor.fetchall()), key=numbers, default="0.0.0")
    return required if numbers(required) > numbers(VERSION) else ""


def numbers(version: str) -> tuple[int, ...]:
    """Return the three numbers of a release, which are ordered as releases are."""
    return tuple(int(number) for number in version.split("."))
