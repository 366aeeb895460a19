"""A connection does not keep plans that were right for a table with a few rows."""

import time

import pytest
from django.db import connection, connections, transaction

from notifications.models import Case, Task
from tests.factories import CaseFactory, TaskFactory
from tests.support.multiplied import analyze, multiply
from wfpush.postgres.base import PLANS_SECONDS

MANY = 5_000
READ = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'notifications_case'"


def rows_read_to_add_tasks(case: Case, count: int) -> int:
    """Of the table of cases, by the checks of the tasks' foreign keys. None is found by an index."""
    with transaction.atomic(), connection.cursor() as cursor:
        for _ in range(count):
            TaskFactory(case=case, engine=case.engine)
        cursor.execute(READ)
        (before,) = cursor.fetchone()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(READ)
        (after,) = cursor.fetchone()
    return int(after - before)


@pytest.mark.django_db(transaction=True)
def test_checks_of_foreign_keys_do_not_read_a_table_that_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    case = CaseFactory()
    analyze(Case, Task)
    assert rows_read_to_add_tasks(case, 12) >= 6, "PostgreSQL keeps a plan that reads the whole table"
    multiply(case, range(1, MANY), id="1000000 + n", case_id="'grown-' || n")
    newest = Case.objects.latest("pk")
    assert rows_read_to_add_tasks(newest, 1) >= MANY

    monkeypatch.setattr(connections[connection.alias], "_plans_since", time.monotonic() - PLANS_SECONDS - 1)
    connection.close_if_unusable_or_obsolete()

    assert rows_read_to_add_tasks(newest, 1) == 0
