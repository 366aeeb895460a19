"""A database that does not fit the code says so, with what to do; one that is being upgraded hurts nobody."""

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.soak.installation import LONG
from tests.support.doctor import doctor
from tests.support.processes import House, free_ports
from wfpush import VERSION
from wfpush.embedded import shared_servers
from wfpush.postgres import schema
from wfpush.queue import lease_holder
from wfpush.tasks import beat

pytestmark = pytest.mark.soak

HARMLESS = "0003_logentry_add_action_flag_choices"
"""A migration of Django's admin that changes nothing in the database."""
APPLIED = f"SELECT name FROM django_migrations WHERE app = 'admin' AND name = '{HARMLESS}'"
COLUMN = "ALTER TABLE notifications_task DROP COLUMN sla_due_at"


@pytest.fixture(autouse=True)
def nothing_trusted() -> Iterator[None]:
    schema.forget_schema()
    yield
    schema.forget_schema()


@pytest.fixture
def well(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is well but for what a test does."""
    monkeypatch.setenv(lease_holder.WORKER, "worker-1/0123456789ab")
    beat()


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def ready() -> tuple[int, str, list[str]]:
    """(status, what it says of the schema, notes)."""
    answer = Client().get("/readyz")
    body: dict[str, Any] = answer.json()
    return answer.status_code, body["checks"]["schema"], body["notes"]


# --- while it serves ------------------------------------------------------------------------------
def test_the_schema_that_the_migrations_make_is_right(well: None) -> None:
    assert schema.read_schema() == schema.Schema([], [], [], [], "")
    assert ready() == (200, "ok", [])
    assert "schema: ok" in doctor()


def test_a_migration_that_was_not_applied_is_told(well: None) -> None:
    sql("DELETE FROM django_migrations WHERE app = 'escalations' AND name = '0001_initial'")

    assert ready() == (503, "escalations.0001_initial not applied; run `manage.py migrate`", [])
    assert "run `manage.py migrate`" in doctor()


def test_of_a_database_that_is_half_migrated_it_is_said_once(well: None) -> None:
    sql("DELETE FROM django_migrations WHERE app = 'notifications' AND name = '0022_rows_of_former_releases'")
    for table in ("notifications_device", "notifications_engine", "notifications_event", "wfpush_heartbeat"):
        sql(f"ALTER TABLE {table} RENAME TO {table}_later")
    fault = "notifications.0022_rows_of_former_releases not applied; run `manage.py migrate`"

    assert doctor() == f"database: ok\nredis: ok\nschema: {fault}\n1 fault:\nschema {fault}"
    assert ready() == (503, fault, [])


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (COLUMN, "notifications_task.sla_due_at"),
        ("DROP TABLE wfpush_heartbeat", "wfpush_heartbeat"),
        ("ALTER TABLE notifications_task_teams DROP COLUMN team_id", "notifications_task_teams.team_id"),
        ("ALTER TABLE axes_accessattempt DROP COLUMN user_agent", "axes_accessattempt.user_agent"),
    ],
)
def test_a_development_version_that_says_nothing_is_to_be_applied_is_found_out(
    well: None, change: str, missing: str
) -> None:
    sql(change)
    status, says, _ = ready()

    assert status == 503
    assert says.startswith(f"lacks {missing}, though all migrations are recorded as applied: a development version")
    assert "start with an empty database or restore a backup (docs/operations/upgrading.md, Upgrading)" in says
    assert missing in doctor()


def test_a_column_that_wants_a_value_nobody_writes_is_found_before_an_event_is_lost(well: None) -> None:
    sql("ALTER TABLE notifications_event ADD COLUMN owner text DEFAULT '' NOT NULL")
    assert ready() == (200, "ok", []), "PostgreSQL writes it"
    schema.forget_schema()
    sql("ALTER TABLE notifications_event ALTER COLUMN owner DROP DEFAULT")

    assert ready()[:2] == (
        503,
        "wants a value in notifications_event.owner, which no migration made; take that away"
        " (docs/operations/upgrading.md, Upgrading)",
    )


def test_a_newer_version_that_only_added_something_is_told_and_stops_no_older_process(well: None) -> None:
    sql("INSERT INTO django_migrations (app, name, applied) VALUES ('notifications', '0999_more', now())")
    sql("ALTER TABLE notifications_event ADD COLUMN owner text")
    note = "a newer version has applied notifications.0999_more; update this process, too, when you can"

    assert ready() == (200, "ok", [note])
    assert f"note: {note}" in doctor()
    assert "All is well." in doctor()


def test_a_newer_version_that_took_something_away_stops_older_processes(well: None) -> None:
    sql("INSERT INTO django_migrations (app, name, applied) VALUES ('notifications', '0999_less', now())")
    sql(COLUMN)

    assert ready()[:2] == (
        503,
        "a newer version has changed notifications_task.sla_due_at; update this process to that version",
    )


def test_a_release_that_the_database_requires_is_named_to_older_processes(well: None) -> None:
    sql("INSERT INTO wfpush_requiredrelease (version) VALUES ('0.4.1'), ('0.10.0')")
    fault = f"release 0.10.0 or newer is needed, and this is {VERSION}; update this process to that release"

    status, says, _ = ready()
    assert status == 503 and says.startswith(fault)
    assert f"1 fault:\nschema {fault}" in doctor()
    with pytest.raises(schema.WrongSchema, match=fault):
        schema.require_current_schema()
    for words in (["migrate"], ["migrate", "--check"]):
        with pytest.raises(SystemCheckError, match=fault):
            call_command(*words, skip_checks=False)


def test_a_release_that_this_one_replaces_is_no_hindrance(well: None) -> None:
    sql("INSERT INTO wfpush_requiredrelease (version) VALUES ('0.0.9')")

    assert ready() == (200, "ok", [])


def test_what_a_package_has_merged_is_no_newer_version(well: None) -> None:
    sql("INSERT INTO django_migrations (app, name, applied) VALUES ('axes', '0000_before_it_was_merged', now())")

    assert ready() == (200, "ok", [])


def test_strangers_are_not_told_what_is_wrong_with_it(well: None) -> None:
    sql(COLUMN)

    assert Client(REMOTE_ADDR="203.0.113.7").get("/readyz").json() == {"status": "unavailable"}


def test_what_was_right_is_not_looked_at_again_for_a_minute(
    well: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2 + 1 + 2):  # Django looks for its table of migrations first, and we for ours
        schema.current_schema()
    with django_assert_num_queries(0):
        schema.current_schema()


def test_what_was_wrong_is_right_as_soon_as_it_was_mended(well: None) -> None:
    sql("ALTER TABLE wfpush_heartbeat RENAME COLUMN name TO named")
    assert ready()[0] == 503
    sql("ALTER TABLE wfpush_heartbeat RENAME COLUMN named TO name")

    assert ready() == (200, "ok", [])


# --- before it serves -----------------------------------------------------------------------------
def test_nothing_is_migrated_on_top_of_what_is_not_there(db: None) -> None:
    call_command("check", databases=["default"])
    sql(COLUMN)

    with pytest.raises(SystemCheckError, match=r"wfpush\.E001.*lacks notifications_task\.sla_due_at"):
        call_command("check", databases=["default"])


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Its servers run on between the commands: they would start and stop with each."""
    with House() as found, found.servers():
        yield found


def change(house: House, statement: str) -> None:
    with house.connection() as ours:
        ours.execute(statement.encode())


def refused(house: House, *words: str) -> str:
    """What a command says that does not start."""
    command = house.run(*words)
    assert command.process.returncode == 1, command.said
    assert "Traceback" not in command.said
    return command.said


@pytest.mark.long
@pytest.mark.processes
def test_neither_web_nor_worker_starts_before_migrate_and_up_migrates_first(house: House) -> None:
    port = free_ports(1)
    for words in (["web", "--port", str(port)], ["worker"]) if LONG else (["worker"],):
        assert "not applied; run `manage.py migrate`" in refused(house, *words)

    if not LONG:  # migrations of half a minute, which each test run has done by `migrate`, with one left to do
        shared_servers.release(house.folder)
        house.migrate()
        shared_servers.ensure(house.folder)
        change(house, f"DELETE FROM django_migrations WHERE app = 'admin' AND name = '{HARMLESS}'")
        assert house.rows(APPLIED) == []
    up = house.start("up", "--port", str(port))
    up.says("Starting PostgreSQL and Valkey")
    second = house.run("up", "--port", str(free_ports(1)))
    assert second.process.returncode == 1
    assert f"at http://127.0.0.1:{port} (process {up.process.pid}) with the data of {house.folder}" in second.said
    assert len(second.said.splitlines()) == 1
    up.says("wfpush is ready")
    total = re.search(r"^Migrating the database: 0 of (\d+)$", up.said, re.M)
    assert total and f"Migrating the database: {total[1]} of {total[1]}\n" in up.said
    assert f"waiting for http://127.0.0.1:{port}\n" in up.said
    up.signal(signal.SIGINT)
    assert up.ends() == 0, "Ctrl-C"
    assert house.rows(APPLIED) == [(HARMLESS,)]


@pytest.mark.long
@pytest.mark.processes
def test_a_database_from_before_the_first_release_is_refused_by_everything_that_starts(house: House) -> None:
    change(house, COLUMN)
    ports = (str(free_ports(1)) for _ in range(2))
    all_that_start = (["up", "--port", next(ports)], ["migrate"], ["worker"], ["web", "--port", next(ports)])
    for words in all_that_start if LONG else all_that_start[:2]:
        said = refused(house, *words)
        assert "lacks notifications_task.sla_due_at" in said, words
        assert "start with an empty database or restore a backup" in said
    shared_servers.release(house.folder)
    house.leaves_nothing()
