"""A `migrate` that was interrupted, by `kill -9`, too, goes on when it is run again."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import Migration
from django.db.migrations.operations import CreateModel

from tests.support.interruptions import BREAK, SCHEMA
from tests.support.length import LONG
from tests.support.processes import ROOT, House
from tests.support.releases import FOLDER, SETTINGS, restore
from wfpush.embedded import shared_servers
from wfpush.management.commands import migrate

INDEX = models.Index(fields=["last_login"], name="for_this_test")
FILE_AND_STATE = "SELECT pg_relation_filenode(indexrelid), indisvalid FROM pg_index WHERE indexrelid = %s::regclass"

STEP = 1 if LONG else 11
"""Statements between two interruptions."""

HELD = """
SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND locktype = 'advisory'
"""


# --- indexes that are built concurrently --------------------------------------------------------------------------
@pytest.fixture
def editor(transactional_db: None) -> Iterator[Any]:
    with connection.schema_editor(atomic=False) as editor:
        yield editor
        editor.remove_index(User, INDEX, concurrently=True)


def build(editor: Any) -> tuple[int, bool]:
    """Add the index. Return which file it is in, and whether it is valid."""
    editor.add_index(User, INDEX, concurrently=True)
    with connection.cursor() as cursor:
        cursor.execute(FILE_AND_STATE, [INDEX.name])
        file, is_valid = cursor.fetchone()
    return file, is_valid


def test_an_index_that_an_interrupted_build_has_left_is_built_again(editor: Any) -> None:
    left, _ = build(editor)
    with connection.cursor() as cursor:
        cursor.execute(BREAK, [INDEX.name])

    built, is_valid = build(editor)

    assert is_valid and built != left


def test_an_index_that_is_complete_is_kept(editor: Any) -> None:
    assert build(editor) == build(editor)


def test_sqlmigrate_shows_the_statement_alone() -> None:
    editor = connection.schema_editor(collect_sql=True, atomic=False)
    editor.add_index(User, INDEX, concurrently=True)

    assert editor.collected_sql == ['CREATE INDEX CONCURRENTLY "for_this_test" ON "auth_user" ("last_login");']


# --- a migration and its record -----------------------------------------------------------------------------------
class Killed(Exception):
    pass


def kill_at_record(execute: Any, sql: str, *rest: Any) -> Any:
    if sql.startswith('INSERT INTO "django_migrations"'):
        raise Killed
    return execute(sql, *rest)


def test_a_migration_is_never_applied_without_being_recorded(transactional_db: None) -> None:
    """Django records one that makes a foreign key after its transaction."""
    migration = Migration("0999_notes", "notifications")
    owner = models.ForeignKey("notifications.Recipient", models.CASCADE)
    migration.operations = [CreateModel("Note", [("id", models.BigAutoField(primary_key=True)), ("owner", owner)])]
    executor = migrate.Executor(connection)

    with pytest.raises(Killed), connection.execute_wrapper(kill_at_record):
        executor.apply_migration(executor.loader.project_state(), migration)

    assert "notifications_note" not in connection.introspection.table_names()


# --- one at a time ------------------------------------------------------------------------------------------------
class EndsSession(io.StringIO):
    """What `migrate` says. Ends another session when it says that it waits for that."""

    def __init__(self, session: "psycopg.Connection[Any]") -> None:
        super().__init__()
        self.session = session

    def write(self, text: str, /) -> int:
        if "Waiting until it has ended." in text:
            self.session.close()
        return super().write(text)


@pytest.mark.parametrize("migrates", [lambda: call_command("migrate"), migrate.apply], ids=["migrate", "up"])
def test_migrate_waits_until_no_other_migrate_is_at_work(
    transactional_db: None, migrates: Callable[[], object]
) -> None:
    parameters = connection.get_connection_params()
    with closing(psycopg.connect(**parameters, autocommit=True)) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('wfpush migrate', 0))")
        call_command("migrate", "--check", "--verbosity=0")
        with redirect_stdout(EndsSession(other)) as said:
            migrates()

    assert said.getvalue().startswith("Another `migrate` is at work on this database. Waiting until it has ended.")
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        assert cursor.fetchall() == []


# --- all migrations since the last release ------------------------------------------------------------------------
@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    house.environment |= SETTINGS | {"DJANGO_SETTINGS_MODULE": "wfpush.settings"}
    try:
        yield house
    finally:
        shared_servers.release(house.folder)
        house.clear()


@pytest.fixture(scope="module")
def fresh_schema() -> Iterator[set[tuple[object, ...]]]:
    with House() as house:
        house.migrate()
        with house.servers():
            yield set(house.rows(SCHEMA))


@pytest.mark.soak
@pytest.mark.long
@pytest.mark.processes
def test_each_migration_is_through_however_often_it_is_interrupted(
    house: House, fresh_schema: set[tuple[object, ...]]
) -> None:
    restore(house, FOLDER / "0.3.0.sql.gz")
    command = [sys.executable, "-m", "tests.support.interruptions", str(STEP)]
    done = subprocess.run(command, cwd=ROOT, env=house.environment, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert f"0019_indexes: interrupted {44 if LONG else 5} times" in done.stdout, done.stdout
    assert set(house.rows(SCHEMA)) ^ fresh_schema == set()
