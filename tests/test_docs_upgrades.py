"""What docs/operations.md and docs/architecture.md promise about upgrades, of every migration that is added."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations.operations import AddField, AddIndex, RenameField, RenameModel
from django.db.migrations.operations.base import Operation
from django.db.models import Index, ManyToManyField, TextField
from django.db.models.fields import NOT_PROVIDED

from tests.support.documentation import read
from tests.support.releases import FOLDER, hash_lists, migrations, released
from wfpush import VERSION

RELEASED = {path: digest for each in hash_lists() for path, digest in released(each).items()}


@pytest.mark.parametrize("hash_list", hash_lists(), ids=lambda each: each.stem)
def test_no_migration_of_a_release_is_ever_changed_or_removed(hash_list: Path) -> None:
    now = migrations()
    changed = [path for path, digest in released(hash_list).items() if now.get(path) != digest]

    assert changed == [], (
        "Databases have applied these as they were and will not apply them again: put them back"
        f" (git checkout them), and add a new migration. Released as in {hash_list.name}."
    )


def test_the_version_is_the_same_everywhere() -> None:
    assert f'\nversion = "{VERSION}"\n' in read("pyproject.toml")


def test_every_release_of_the_changelog_has_its_migrations_and_a_database_kept() -> None:
    numbers = re.findall(r"^## \[(\d[^\]]*)\]", read("CHANGELOG.md"), re.M)
    without = [number for number in numbers for kind in ("sha256", "sql.gz") if not kept(number, kind)]

    assert without == [], "Make them: python -m tests.support.release"


def kept(number: str, kind: str) -> bool:
    return (FOLDER / f"{number}.{kind}").is_file()


# --- what a migration may do while processes of the former version run ----------------------------
LARGE = {"event", "delivery", "task", "notification", "callback", "response", "stepdone"}
"""Models of which an installation has millions of rows."""


def stops_older_processes(operation: Operation) -> str | None:
    """Why a process of the version before could not work on what this operation does or leaves."""
    if isinstance(operation, RenameField | RenameModel):
        return "renames what they read: add the new one, fill both, and remove the old one in a later release"
    if isinstance(operation, AddField) and wants_a_value(operation.field):
        return "makes a column that refuses rows without it: give it db_default beside default, or null=True"
    if type(operation) is AddIndex and operation.model_name in LARGE:
        return "locks a large table while it is built: AddIndexConcurrently, in a migration with atomic = False"
    return None


def wants_a_value(field: Any) -> bool:
    """Django takes `default` out of the database again once the rows that are there have it."""
    return not field.many_to_many and not field.null and field.db_default is NOT_PROVIDED


def test_no_new_migration_stops_a_process_of_the_version_before() -> None:
    found = [
        f"{path}: {operation.describe()}: it {why}"
        for path in sorted(set(migrations()) - set(RELEASED))
        for operation in import_module(path.removesuffix(".py").replace("/", ".")).Migration.operations
        if (why := stops_older_processes(operation))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (AddField("event", "owner", TextField(default="")), "makes a column"),
        (AddField("event", "owner", TextField(default="", db_default="")), None),
        (AddField("event", "owner", TextField(null=True)), None),
        (AddField("task", "owners", ManyToManyField("notifications.Recipient")), None),
        (RenameField("event", "owner", "holder"), "renames what they read"),
        (RenameModel("Event", "Happening"), "renames what they read"),
        (AddIndex("event", Index(fields=["time"], name="a")), "locks a large table"),
        (AddIndexConcurrently("event", Index(fields=["time"], name="a")), None),
        (AddIndex("brand", Index(fields=["name"], name="a")), None),
    ],
)
def test_what_would_stop_them_is_found(operation: Operation, why: str | None) -> None:
    found = stops_older_processes(operation)

    assert (found or "").startswith(why or "") and (found is None) is (why is None)
