"""JSON in few bytes: what is read is what was written, and what was written before stays readable."""

import hashlib
import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from notifications.models import Event, Notification, Task
from notifications.models.repeated import ACTIONS, TASK, TRACE
from tests.factories import NotificationFactory
from tests.support.story import Story
from wfpush.postgres.packed import Words

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS
VALUES = st.recursive(LEAVES, lambda more: st.lists(more) | st.dictionaries(TEXTS, more), max_leaves=60)


@given(st.dictionaries(TEXTS, VALUES) | st.lists(VALUES), st.sampled_from([TRACE, ACTIONS, TASK]))
def test_what_is_unpacked_is_what_was_packed(value: Any, words: Words) -> None:
    stored = json.loads(json.dumps(words.packed(value)))

    assert words.unpacked(stored) == value


def test_better_words_read_what_the_words_before_have_written() -> None:
    value = [{"action": f"check-{number}", "comment": "none"} for number in range(20)]
    old = Words("x1", '{"action":"","comment":"none"}')
    new = Words("x2", '{"action":"check-","comment":"none"}', before=(old,))

    assert new.unpacked(old.packed(value)) == new.unpacked(new.packed(value)) == value
    assert old.packed(value) != new.packed(value)


@pytest.mark.parametrize(
    ("words", "digest"),
    [
        (TRACE, "b1b5c311258c3791"),
        (ACTIONS.before[0], "378d67dfacb6912e"),
        (ACTIONS, "ca383f9d89512df9"),
        (TASK, "706fe40dbfac3efa"),
    ],
    ids=["trace", "actions in two languages", "actions", "task"],
)
def test_words_that_rows_are_stored_by_are_never_changed(words: Words, digest: str) -> None:
    assert hashlib.sha256(words.mark.encode() + words.text).hexdigest()[:16] == digest, (
        "Rows are stored by the words as they were: put them back, and write better ones with a mark of their own."
    )


# --- columns --------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_an_event_for_one_person_leaves_few_bytes_in_its_columns_of_json() -> None:
    story = Story.begin()
    story.assign()

    assert stored(Event, "plan") < 500 and stored(Task, "data") < 350 and stored(Notification, "actions") < 60
    assert story.copy(story.bob).actions[0]["labels"]["de"] == "Genehmigen"
    assert story.task().data["task"]["name"] == "Approve invoice 4711"


@pytest.mark.django_db
def test_rows_of_before_are_read_as_they_are() -> None:
    offered = [{"action": "approve", "title": "Approve", "effect": "final", "comment": "optional"}] * 2
    copy = NotificationFactory(task=None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_notification SET actions = %s::jsonb", [json.dumps(offered)])

    copy.refresh_from_db()

    assert copy.actions == offered
    copy.save()
    copy.refresh_from_db()
    assert copy.actions == offered
    assert Notification.objects.exclude(actions=[]).get() == copy


def stored(model: Any, column: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(pg_column_size({column})) FROM {model._meta.db_table}")
        return int(cursor.fetchone()[0])
