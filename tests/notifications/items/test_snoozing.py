"""An item is put off by one person, and comes back to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.models import StepTarget
from notifications.errors import Invalid
from notifications.inbox.list_query import Finding
from notifications.inbox.listing import listing
from notifications.items import snoozing
from notifications.items.inbox_json import inbox_json, lines_of
from notifications.models import Notification, Recipient
from tests.factories import NotificationFactory, RecipientFactory, TaskFactory
from tests.inbox.browser import get, signed_in
from tests.inbox.test_listing import many
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    return Story.begin()


NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # a Friday
TOMORROW = NOW + timedelta(days=1)


def item(**fields: Any) -> Notification:
    bob = Recipient.objects.filter(ref="bob").first() or RecipientFactory(ref="bob")
    return NotificationFactory(recipient=bob, task=TaskFactory(), **fields)


def groups(reader: Recipient, now: datetime) -> dict[str, list[str]]:
    shown = listing(reader, now)
    return {group.due: [card.notification.title for card in group.cards] for group in shown.groups if group.count}


def come_back(now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        assert snoozing.has_due(now)
        snoozing.bring_back_due()
        assert not snoozing.has_due(now)


def test_it_leaves_and_comes_back_to_the_top_unread_and_says_so() -> None:
    mine = item(title="Mine", read_at=NOW)
    NotificationFactory(recipient=mine.recipient, task=TaskFactory(), title="Late", due_at=NOW - timedelta(days=1))

    snoozing.snooze(mine, TOMORROW, NOW)

    bob = Recipient.objects.get(pk=mine.recipient_id)
    assert groups(bob, NOW) == {"overdue": ["Late"]}
    assert (listing(bob, NOW).waiting, listing(bob, NOW).snoozed) == (1, 1)
    found = listing(bob, NOW, Finding(snoozed=True)).matches
    assert found is not None
    assert [card.notification.title for card in found.cards] == ["Mine"]
    mine.refresh_from_db()
    assert lines_of(mine) == ["snoozed until Sat, 28 Nov 2026, 10:00 UTC"]
    seq = mine.seq

    come_back(TOMORROW)

    assert groups(bob, TOMORROW) == {"back": ["Mine"], "overdue": ["Late"]}
    mine.refresh_from_db()
    assert (mine.snoozed_until, mine.read_at, mine.back_at) == (None, None, TOMORROW)
    assert mine.seq > seq
    assert lines_of(mine) == ["back from snooze since Sat, 28 Nov 2026, 10:00 UTC"]
    assert inbox_json(mine)["back_at"] == "2026-11-28T10:00:00Z"


@pytest.mark.parametrize(
    ("until", "fields", "says"),
    [
        (TOMORROW, {"due_at": TOMORROW}, "before it is due"),
        (NOW, {}, "a time in the future"),
        (NOW - timedelta(days=1), {}, "a time in the future"),
        (NOW + timedelta(days=61), {}, "within 60 days"),
        (TOMORROW, {"state": "answered"}, "Only items that wait"),
        (TOMORROW, {"state": "withdrawn"}, "Only items that wait"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(until: datetime, fields: dict[str, Any], says: str) -> None:
    mine = item(**fields)

    with pytest.raises(Invalid, match=says):
        snoozing.snooze(mine, until, NOW)
    mine.refresh_from_db()
    assert mine.snoozed_until is None


def test_choices_are_before_the_due_time_and_in_the_readers_zone() -> None:
    with timezone.override("Europe/Berlin"):  # 11:00
        assert [at.isoformat() for _label, at in snoozing.choices(item(), NOW)] == [
            "2026-11-27T11:00:00+00:00",
            "2026-11-27T18:00:00+01:00",
            "2026-11-28T09:00:00+01:00",
            "2026-11-30T09:00:00+01:00",
        ]
        soon = item(due_at=NOW + timedelta(hours=10))
        assert [label for label, _at in snoozing.choices(soon, NOW)] == ["for an hour", "until this evening, 18:00"]
        assert len(snoozing.choices(item(due_at=NOW), NOW)) == 4, "what is overdue can wait, too"
        assert snoozing.choices(item(state="answered"), NOW) == []


def test_it_is_back_when_it_is_due_even_if_that_has_moved() -> None:
    mine = item(due_at=NOW + timedelta(days=3))
    snoozing.snooze(mine, NOW + timedelta(days=2), NOW)
    Notification.objects.update(due_at=NOW + timedelta(hours=1))

    assert groups(mine.recipient, NOW) == {}
    assert groups(mine.recipient, NOW + timedelta(hours=2)) == {"overdue": [mine.title]}


def test_an_overdue_item_stays_away_until_the_chosen_time() -> None:
    mine = item(title="Mine", due_at=NOW - timedelta(days=1))
    snoozing.snooze(mine, TOMORROW, NOW)
    mine.refresh_from_db()

    assert groups(mine.recipient, NOW + timedelta(hours=2)) == {}
    assert (snoozing.is_snoozed(mine, NOW + timedelta(hours=2)), snoozing.back_at(mine)) == (True, TOMORROW)
    come_back(TOMORROW)
    assert groups(mine.recipient, TOMORROW) == {"back": ["Mine"]}


def test_a_reminder_brings_it_back(story: Story) -> None:
    now = timezone.now()
    story.add_step(story.tell_manager_when_due(), -120, StepTarget.ASSIGNEE)
    story.assign(due_at=(now + timedelta(hours=5)).isoformat())
    snoozing.snooze(story.copy(story.bob), now + timedelta(hours=4), now)

    while due_steps.tick(now + timedelta(hours=3)):
        pass

    copy = story.copy(story.bob)
    assert (copy.snoozed_until, copy.read_at) == (None, None)


def test_colleagues_keep_theirs_and_can_answer(story: Story) -> None:
    story.assign(assignee=None, candidates=["bob", "carol"])
    snoozing.snooze(story.copy(story.bob), timezone.now() + timedelta(days=1), timezone.now())
    assert groups(story.carol, timezone.now()) != {}

    story.answer(story.carol, "approve")
    assert not snoozing.has_due(timezone.now() + timedelta(days=2))
    assert story.copy(story.bob).state == "answered"


def test_many_come_back_together_in_few_statements(django_assert_max_num_queries: Any) -> None:
    people = [RecipientFactory(ref=f"p-{number}") for number in range(3)]
    for person in people:
        for _ in range(30):
            NotificationFactory(recipient=person, task=TaskFactory(), snoozed_until=NOW)
    with django_assert_max_num_queries(60):
        come_back(NOW)
    assert Notification.objects.filter(back_at=NOW).count() == 90
    for person in people:
        person.refresh_from_db()
        seqs = Notification.objects.filter(recipient=person).values_list("seq", flat=True)
        assert (len(set(seqs)), max(seqs)) == (30, person.inbox_seq)


def test_the_search_for_what_is_over_reads_an_index() -> None:
    many(RecipientFactory(ref="bob"), 500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_notification")
    assert "notification_snoozed" in snoozing._over(NOW).explain()


def test_without_javascript(story: Story) -> None:
    story.assign()
    address = f"/n/{story.copy(story.bob).pk}"
    browser = signed_in(story.bob)

    page = get(browser, address).press("for an hour")
    assert page.part("nothing-waiting") == "Nothing is waiting for you. Show what is done"
    assert page.follow("Snoozed").titles("found") == ["Approve invoice 4711"]
    assert "snoozed until" in get(browser, address).text

    page = get(browser, address).press("Bring it back now")
    assert "snoozed until" not in page.text
    assert get(browser, "/").titles("waiting") == ["Approve invoice 4711"]

    wrong = get(browser, address).press("Snooze", until="2020-01-01T10:00")
    assert wrong.status == 422
    assert "Choose a time in the future." in wrong.text
    assert "Choose a day and a time." in get(browser, address).press("Snooze", until="soon").text


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "Choose a time in the future."), (59, "less than a minute from now")]
)
def test_a_time_that_is_too_soon_says_so(story: Story, seconds: int, words: str) -> None:
    story.assign()
    with pytest.raises(Invalid, match=words):
        snoozing.snooze(story.copy(story.bob), NOW + timedelta(seconds=seconds), NOW)


def test_by_the_api(story: Story) -> None:
    story.assign()
    copy, browser = story.copy(story.bob), signed_in(story.bob)
    browser.handler.enforce_csrf_checks = False
    address, until = f"/api/v1/notifications/{copy.pk}/snooze", (timezone.now() + timedelta(days=1)).isoformat()

    assert browser.put(address, {"until": until}, content_type="application/json").status_code == 204
    assert story.copy(story.bob).snoozed_until is not None
    assert browser.delete(address).status_code == browser.delete(address).status_code == 204
    wrong = browser.put(address, {"until": "2020-01-01T10:00:00Z"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/until")
    others = signed_in(story.carol)
    others.handler.enforce_csrf_checks = False
    assert others.put(address, {"until": until}, content_type="application/json").status_code == 404
