"""Dotted names that databases, sessions and waiting tasks hold: they mean the same after every upgrade.

Whoever moves or renames one of these leaves the old name working.
"""

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from django_q.models import Schedule

from wfpush.queue.schedules import ensure_schedules

TASKS = [
    "wfpush.tasks.run_source",
    "wfpush.tasks.beat",
    "wfpush.tasks.backstop",
    "wfpush.tasks.prune",
    "notifications.tasks.settle_accounts",
    "notifications.tasks.gather_searched",
    "notifications.insight.tasks.count_hours",
    "notifications.absences.tasks.hand_over_absences",
    "notifications.rotas.tasks.hand_over_duty",
]
BACKEND = "notifications.signing_in.AccountBackend"


@pytest.mark.parametrize("name", TASKS)
def test_what_schedules_and_waiting_tasks_name_can_be_called(name: str) -> None:
    assert callable(import_string(name))


@pytest.mark.django_db
def test_schedules_name_nothing_else() -> None:
    ensure_schedules()

    assert set(Schedule.objects.values_list("func", flat=True)) <= set(TASKS)


def test_sessions_that_were_begun_before_go_on() -> None:
    """Django ends a session whose backend is not among the settings' under the name that the session holds."""
    assert BACKEND in settings.AUTHENTICATION_BACKENDS
    assert import_string(BACKEND).__name__ == "AccountBackend"
