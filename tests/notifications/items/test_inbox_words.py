"""The server says of an item what tests/vectors/inbox_words.json says, and so does the page (tests/browsers)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone, translation

from notifications.inbox.cards import buttons, offered
from notifications.inbox.list_query import DUE
from notifications.inbox.listing import due_within, most_pressing_first
from notifications.items.outcomes import mood_of, outcome_of
from notifications.models import Category, Engine, Notification, Recipient, Task
from notifications.wording.formats import written_for, zone_of
from notifications.wording.times import due, exact, short_time, when
from tests.factories import NotificationFactory, RecipientFactory
from tests.vectors.inbox_words import CASES, NAMES, case_id

Case = dict[str, Any]


@contextmanager
def as_read_in(case: Case) -> Iterator[datetime]:
    """The reader's language and zone; gives the moment they read at."""
    zone = timezone.override(zone_of(case["timezone"]))
    with translation.override(case["language"]), zone, written_for(case.get("locale", "")):
        yield datetime.fromisoformat(case["now"])


def person(ref: str) -> Recipient:
    return Recipient(ref=ref, name=NAMES[ref])


def copy_of(item: Case) -> Notification:
    task = Task(state=item["task"]["state"], engine=Engine()) if item.get("task") else None
    return Notification(
        state=item["state"], outcome=item["outcome"], actions=item["actions"], task=task, category=Category()
    )


@pytest.mark.parametrize("case", CASES["due"], ids=case_id)
def test_when_it_is_due(case: Case) -> None:
    with as_read_in(case) as now:
        said = due(datetime.fromisoformat(case["at"]), now)

    assert (said.text, said.short, said.urgency) == (case["text"], case["short"], case["urgency"])


@pytest.mark.parametrize("case", CASES["happened"], ids=case_id)
def test_when_it_happened(case: Case) -> None:
    at = datetime.fromisoformat(case["at"])
    with as_read_in(case) as now:
        assert (short_time(at, now), when(at, now), exact(at)) == (case["stamp"], case["when"], case["exact"])


@pytest.mark.parametrize("case", CASES["outcome"], ids=case_id)
def test_what_became_of_it(case: Case) -> None:
    item, reader = copy_of(case["item"]), person(case["reader"])
    with as_read_in(case) as now:
        assert (outcome_of(item, reader, now), mood_of(item, reader)) == (case["text"], case["mood"])


@pytest.mark.parametrize("case", CASES["buttons"], ids=case_id)
def test_which_answers_are_offered_and_which_stands_out(case: Case) -> None:
    item = Notification(state="open", outcome=case["outcome"], actions=case["actions"])

    shown = buttons(offered(item, person(case["reader"])))

    assert [button.label for button in shown] == case["labels"]
    assert next((button.label for button in shown if button.primary), None) == case["primary"]


@pytest.mark.django_db
def test_what_presses_most_stands_first() -> None:
    bob = RecipientFactory(ref="bob")
    for item in reversed(CASES["pressing"]):
        times = {name: item[name] and datetime.fromisoformat(item[name]) for name in ("due_at", "created_at")}
        NotificationFactory(recipient=bob, title=item["title"], priority=item["priority"], **times)

    titles = [row.title for row in most_pressing_first(Notification.objects.filter(recipient=bob))]

    assert titles == [item["title"] for item in CASES["pressing"]]


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES["groups"], ids=lambda case: f"{case['timezone']} {case['at']}")
def test_in_which_group_it_stands(case: Case) -> None:
    copy = NotificationFactory(due_at=case["at"] and datetime.fromisoformat(case["at"]))
    with as_read_in(case) as now:
        found = [due for due in DUE if Notification.objects.filter(due_within(due, now), pk=copy.pk).exists()]

    assert found == [case["group"]]
