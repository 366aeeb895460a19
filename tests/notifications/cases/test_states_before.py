"""What answers and questions return to, while processes of the version before still know it as a string."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from notifications.cases import messages
from notifications.models import Task, TaskState
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db

CARRIED = import_module("notifications.migrations.0009_states_before_are_carried_over")


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def string_of(task: Task) -> str:
    """As the version before reads it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state_before FROM notifications_task WHERE id = %s", [task.pk])
        (said,) = cursor.fetchone()
    return str(said)


def list_of(task: Task) -> list[str]:
    return list(Task.objects.get(pk=task.pk).states_before)


def test_an_answer_returns_to_the_question_and_the_question_to_what_was_before() -> None:
    task = Task(state=TaskState.ANSWERED, states_before=["info_requested", "acknowledged"])

    messages.return_to_state_before(task)
    assert (task.state, task.states_before) == ("info_requested", ["acknowledged"])
    messages.return_to_state_before(task)
    assert (task.state, task.states_before) == ("acknowledged", [])
    messages.return_to_state_before(task)
    assert (task.state, task.states_before) == ("open", [])


def test_the_version_before_reads_what_this_one_writes() -> None:
    task = TaskFactory()
    assert string_of(task) == ""

    Task.objects.filter(pk=task.pk).update(states_before=["info_requested", "open"])
    assert string_of(task) == "info_requested>open"
    task.refresh_from_db()
    task.states_before = []
    task.save()
    assert string_of(task) == ""


def test_this_version_reads_what_the_one_before_writes() -> None:
    task = TaskFactory()

    sql("UPDATE notifications_task SET state_before = 'info_requested>acknowledged'")
    assert list_of(task) == ["info_requested", "acknowledged"]
    sql("UPDATE notifications_task SET state_before = 'acknowledged'")
    assert list_of(task) == ["acknowledged"]
    sql("UPDATE notifications_task SET state_before = ''")
    assert list_of(task) == []


def test_what_was_there_is_carried_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CARRIED, "CARRY_OVER", CARRIED.CARRY_OVER.replace("LIMIT 2000", "LIMIT 1"))
    answered, asked, ended = (TaskFactory(state=state) for state in ("answered", "info_requested", "completed"))
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE notifications_task DISABLE TRIGGER states_before")
    sql("UPDATE notifications_task SET state_before = 'info_requested>open' WHERE state <> 'info_requested'")
    sql("UPDATE notifications_task SET state_before = 'open' WHERE state = 'info_requested'")
    sql("ALTER TABLE notifications_task ENABLE TRIGGER states_before")

    with connection.schema_editor() as editor:
        CARRIED.carry_over(apps, editor)

    assert (list_of(answered), list_of(asked), list_of(ended)) == (["info_requested", "open"], ["open"], [])
    assert string_of(answered) == "info_requested>open"
