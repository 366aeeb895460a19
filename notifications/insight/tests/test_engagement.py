"""What is told, seen, answered and ignored is counted by the hour, and shown of five people or more, and of nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications import housekeeping
from notifications.inbox.sign_in.session import BACKEND
from notifications.insight import engagement, hourly
from notifications.insight.models import EngagementCount, EngagementHour
from notifications.models import Category, Delivery, Notification, Recipient
from tests.factories import EventFactory, RecipientFactory
from tests.support.story import Story
from wfpush import identifiers
from wfpush.identifiers import Uuid7Generator, lowest_id

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 12, 1, 9, 10, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def of_two_days(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engagement, "COUNTED_FOR", timedelta(days=2))
    monkeypatch.setattr(hourly, "SECONDS", 60)
    EventFactory(pk=lowest_id(NOW - timedelta(days=3)))  # hours before the first event are not counted
    monkeypatch.setattr(identifiers, "_generator", Uuid7Generator())  # identifiers of NOW, however late it is today


@pytest.fixture
def told() -> Any:
    """At ten past nine eight people are asked, all by e-mail, too; one answers in the inbox, five read it after twenty
    minutes, two of these from the e-mail; two never do."""
    with time_machine.travel(NOW, tick=False):
        story = Story.begin()
        people = RecipientFactory.create_batch(7, manager=story.carol, email="a@example.org", email_verified=True)
        story.assign(candidates=["bob", *(person.ref for person in people)])
    Delivery.objects.filter(channel="email").update(state="delivered", due_at=None)
    for number, person in enumerate(people[:5]):
        by = "email" if number < 2 else "inbox"
        Notification.objects.filter(recipient=person).update(read_at=NOW + 20 * MINUTE, opened_by=by)
    with time_machine.travel(NOW + 3 * HOUR, tick=False):
        story.answer(story.bob, "approve", via="inbox")
    return story


def counts(now: datetime) -> engagement.Counts:
    with time_machine.travel(now, tick=False):
        engagement.run(now)
    (of_category,) = engagement.between(NOW - HOUR, NOW + HOUR, "category").of.values()
    return of_category.all


def test_an_hour_is_counted_with_what_became_of_its_messages(told: Story) -> None:
    found = counts(NOW + 4 * HOUR)

    assert (found.told, found.ignored) == (8, 2)
    assert found.seen == [0, 0, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert found.answered == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert 5 <= found.at_least <= 8
    assert {row.category for row in EngagementCount.objects.all()} == {Category.objects.get(slug="approvals")}


def test_by_channel_is_known_what_was_opened_through_it_and_answered_from_it(told: Story) -> None:
    """The answer came in the inbox, without that the item had been opened before."""
    engagement.run(NOW + 4 * HOUR)
    for of in ("category", "template"):
        found = engagement.between(NOW - HOUR, NOW + HOUR, of)
        (group,) = found.of.values()
        mail, inbox = group.by_channel["email"], group.by_channel["live"]
        assert (mail.told, sum(mail.seen), sum(mail.answered), mail.ignored) == (8, 2, 0, 2)
        assert (inbox.told, sum(inbox.seen), sum(inbox.answered), inbox.ignored) == (8, 4, 1, 2)
        assert mail.seen[3] == 2, "after twenty minutes"
        assert found.total == group and found.others is None


def test_small_groups_are_put_together_or_left_out(told: Story) -> None:
    news = Category.objects.create(slug="news", name="News")
    few = Notification.objects.filter(recipient__in=list(Recipient.objects.order_by("-pk")[:3]))
    few.update(category=news)
    engagement.run(NOW + 4 * HOUR)
    found = engagement.between(NOW - HOUR, NOW + HOUR, "category")
    assert [counts.all.told for counts in found.of.values()] == [5]
    assert found.others is None and found.total.all.told == 5, "nor can the three be found by subtraction"


def test_it_is_counted_again_ever_more_seldom(told: Story) -> None:
    assert counts(NOW + 4 * HOUR).ignored == 2
    Notification.objects.filter(read_at=None).update(read_at=NOW + 5 * HOUR)
    assert counts(NOW + 4 * HOUR + 30 * MINUTE).ignored == 2
    assert counts(NOW + 6 * HOUR).ignored == 0
    with CaptureQueriesContext(connection) as made:
        assert engagement.run(NOW + 6 * HOUR + MINUTE) <= 1
    assert len(made) < 15
    assert EngagementHour.objects.filter(hour__lt=NOW - 40 * HOUR).exists()
    assert housekeeping.prune(NOW)["counts of engagement"] == 0
    housekeeping.prune(NOW + timedelta(days=500))
    assert not EngagementHour.objects.exists()


def test_of_few_people_nothing_is_known(told: Story) -> None:
    kept = Recipient.objects.filter(notifications__isnull=False).order_by("pk")[:4]
    Notification.objects.exclude(recipient__in=list(kept)).delete()
    engagement.run(NOW + 4 * HOUR)

    assert EngagementCount.objects.get(channel="").told == 4
    found = engagement.between(NOW - HOUR, NOW + HOUR, "category")
    assert not found.of and found.others is None and not found.total.by_channel


def test_the_page_says_it_and_names_nobody(told: Story) -> None:
    engagement.run(NOW + 4 * HOUR)
    address = reverse("admin:notifications_notification_engagement")
    with time_machine.travel(NOW + 4 * HOUR, tick=False):
        client = Client()
        client.force_login(User.objects.create_superuser("root"), backend=BACKEND)
        page = client.get(f"{address}?period=day")

    text = " ".join(page.content.decode().split())
    assert "<td>8</td><td>75 %</td><td>within 30 min</td> <td>1</td><td>within 4 h 0 min</td><td>25 %</td>" in text
    mail = "<td>8</td><td>25 %</td><td>within 30 min</td> <td>0</td><td>–</td><td>25 %</td>"
    assert text.count(mail) == 2, "of the category, and of all"
    for person in Recipient.objects.exclude(name=""):
        assert f">{person.name}<" not in text
