"""The triggers and keys of 0049 are made while others write."""

from contextlib import closing
from importlib import import_module

import pytest
from django.db import OperationalError, connection

from wfpush.postgres import lock_waits

migration = import_module("notifications.migrations.0049_triggers_and_keys")
NAMES = """
SELECT tgname || ' ' || tgrelid::regclass FROM pg_trigger WHERE tgname LIKE 'searched%'
UNION ALL SELECT conname || ' ' || confrelid::regclass FROM pg_constraint
WHERE conrelid = 'notifications_attachment'::regclass AND contype = 'f'
"""

pytestmark = pytest.mark.django_db(transaction=True)


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        return sorted(name for (name,) in cursor.fetchall())


def test_a_repeat_after_a_failure_makes_what_is_missing() -> None:
    before = names()
    assert len(before) == 8
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER searched_deleted ON notifications_notification")
    with connection.schema_editor() as editor:
        migration.make(None, editor)
    assert names() == before


def test_a_table_that_is_written_to_is_waited_for_in_short_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_waits, "FIRST_SECONDS", 0.05)
    statement = migration.noting(*migration.ELSEWHERE[2])
    with closing(connection.copy()) as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE notifications_recipient IN ROW EXCLUSIVE MODE")
        monkeypatch.setattr(migration, "TRIES", 1)
        with pytest.raises(OperationalError, match="lock timeout"):
            migration.alone(connection, statement)
        monkeypatch.setattr(migration, "TRIES", 2)
        monkeypatch.setattr(migration.time, "sleep", lambda _seconds: cursor.execute("COMMIT"))
        migration.alone(connection, statement)
