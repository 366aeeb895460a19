"""What is read by a statement of our own is what Django reads."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import Notification, Recipient, Task
from tests.factories import NotificationFactory, RecipientFactory
from tests.support.story import Story
from wfpush.postgres.prefetch import JoinedTables, Table

pytestmark = pytest.mark.django_db

ITEMS = JoinedTables(
    item=Table(Notification, without=["body"]), person=Table(Recipient), task=Table(Task, only=["data", "state"])
)
STATEMENT = f"""
SELECT {ITEMS.columns} FROM notifications_notification item
JOIN notifications_recipient person ON person.id = item.recipient_id
LEFT JOIN notifications_task task ON task.id = item.task_id WHERE item.id = %s
"""


def test_objects_are_those_of_django_with_json_and_times_as_values() -> None:
    story = Story.begin()
    story.assign()
    copy = story.copy(story.bob)
    ((item, person, task),) = ITEMS.read(STATEMENT, [copy.pk])
    assert (item, person, task) == (copy, story.bob, story.task())
    for known, read in [(copy, item), (Recipient.objects.get(pk=story.bob.pk), person)]:
        names = {field.attname for field in known._meta.concrete_fields} - read.get_deferred_fields()
        assert len(names) > 10 and all(getattr(read, name) == getattr(known, name) for name in names)
    assert task.data["task"]["name"] == "Approve invoice 4711"


def test_what_is_left_out_is_read_when_it_is_asked_for() -> None:
    copy = NotificationFactory(body="Long.", task=None)
    ((item, _, _),) = ITEMS.read(STATEMENT, [copy.pk])
    assert item.get_deferred_fields() == {"body"}
    with CaptureQueriesContext(connection) as asked:
        assert item.body == "Long."
    assert len(asked) == 1


def test_where_an_outer_join_finds_nothing_there_is_none() -> None:
    copy = NotificationFactory(task=None, recipient=RecipientFactory(ref="dave"))
    ((item, person, task),) = ITEMS.read(STATEMENT, [copy.pk])
    assert (item.pk, person.ref, task) == (copy.pk, "dave", None)
    assert ITEMS.read(STATEMENT, ["01930000-0000-7000-8000-000000000000"]) == []
