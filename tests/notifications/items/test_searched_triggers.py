"""Triggers, and keys to tables of others, are made while others write."""

from contextlib import closing
from importlib import import_module

import pytest
from django.db import OperationalError, connection

from wfpush.postgres import lock_waits, resumable
from wfpush.postgres.resumable import RunEachSQL

triggers = import_module("notifications.migrations.0020_triggers")
keys = import_module("notifications.migrations.0025_keys_of_attachments")
NAMES = """
SELECT tgname || ' ' || tgrelid::regclass FROM pg_trigger
WHERE tgname ~ '^(searched|review_entitlements|configuration_changed)'
UNION ALL SELECT conname || ' ' || confrelid::regclass FROM pg_constraint
WHERE conrelid = 'notifications_attachment'::regclass AND contype = 'f'
"""
TRIGGERS = [each for each in triggers.Migration.operations if isinstance(each, RunEachSQL)]
KEYS = keys.Migration.operations[0].database_operations

pytestmark = pytest.mark.django_db(transaction=True)


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        return sorted(name for (name,) in cursor.fetchall())


def run(operation: RunEachSQL) -> None:
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("notifications", editor, None, None)


@pytest.mark.parametrize(
    "what",
    [
        "TRIGGER searched_deleted ON notifications_notification",
        "TRIGGER review_entitlements_lead ON notifications_team",
        "TRIGGER configuration_changed ON notifications_route",
    ],
)
def test_a_repeat_after_a_failure_makes_what_is_missing(what: str) -> None:
    before = names()
    assert len([name for name in before if name.startswith(("searched", "notifications_attach"))]) == 8
    with connection.cursor() as cursor:
        cursor.execute(f"DROP {what}")
    assert names() != before
    for operation in [*TRIGGERS, *KEYS]:
        run(operation)
    assert names() == before


def test_a_table_that_is_written_to_is_waited_for_in_short_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_waits, "FIRST_SECONDS", 0.05)
    operation = RunEachSQL([triggers.search_trigger(*triggers.SEARCHED[2])], [])
    with closing(connection.copy()) as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE notifications_recipient IN ROW EXCLUSIVE MODE")
        monkeypatch.setattr(resumable, "TRIES", 1)
        with pytest.raises(OperationalError, match="lock timeout"):
            run(operation)
        monkeypatch.setattr(resumable, "TRIES", 2)
        monkeypatch.setattr(resumable.time, "sleep", lambda _seconds: cursor.execute("COMMIT"))
        run(operation)
