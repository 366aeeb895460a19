"""An absence that makes no sense is refused; who entered and ended one is on record."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from notifications.absences import entering
from notifications.absences.checks import faults_of
from notifications.absences.entering import AbsenceEntry, PartEntry
from notifications.calendar_feeds.content import LONGEST_ABSENCE
from notifications.models import Absence, Category, Recipient
from tests.factories import BrandFactory, RecipientFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def story() -> Story:
    return Story.begin()


@pytest.fixture
def dave() -> Recipient:
    return RecipientFactory(ref="dave", name="Dave", brand=BrandFactory(slug="acme"))


def away(person: Recipient, delegate: Recipient | None, begins_at: datetime, ends_at: datetime) -> Absence:
    """Whether or not it makes sense."""
    return Absence.objects.create(recipient=person, begins_at=begins_at, ends_at=ends_at, delegate=delegate)


def test_bob_is_away_whether_or_not_somebody_stands_in(story: Story) -> None:
    away(story.bob, None, NOON, NOON + DAY)

    assert [each.recipient for each in entering.away_at(NOON)] == [story.bob]
    assert not entering.away_at(NOON + DAY).exists()


def test_circles_are_found_where_they_are_and_nowhere_else(story: Story, dave: Recipient) -> None:
    approvals = Category.objects.get(slug="approvals")
    away(story.carol, None, NOON, NOON + DAY).parts.create(delegate=story.bob, category=approvals)

    def faulty(delegate: Recipient | None, *parts: PartEntry) -> list[str]:
        return list(faults_of(story.bob, AbsenceEntry(NOON, NOON + DAY, delegate, parts), NOON - DAY))

    assert faulty(story.carol) == ["delegate"]
    assert faulty(story.carol, PartEntry(dave, category=approvals)) == []
    assert faulty(dave, PartEntry(story.carol, category=approvals)) == ["parts.0"]
    assert faulty(dave, PartEntry(story.carol, engine=story.engine)) == ["parts.0"]
    assert faulty(dave, PartEntry(dave, category=approvals), PartEntry(story.carol, engine=story.engine)) == []
    many = [PartEntry(dave, case_type=f"kind {number}") for number in range(21)]
    assert faulty(dave, *many) == ["parts"]


# --- what makes sense -----------------------------------------------------------------------------
def faults(
    person: Recipient, delegate: Recipient | None, begins_at: datetime = NOON, ends_at: datetime = NOON + DAY
) -> dict[str, str]:
    return faults_of(person, AbsenceEntry(begins_at, ends_at, delegate), NOON - DAY)


def test_a_holiday_with_a_delegate_or_without_makes_sense(story: Story) -> None:
    assert faults(story.bob, story.carol) == {}
    assert faults(story.bob, None) == {}
    assert faults(story.bob, story.carol, NOON - 9 * DAY, NOON) == {}
    assert faults(story.bob, None, NOON, NOON + LONGEST_ABSENCE) == {}


@pytest.mark.parametrize(
    ("begins_at", "ends_at", "field", "sentence"),
    [
        (NOON, NOON, "ends_at", "The absence must end after it starts."),
        (NOON, NOON - timedelta(hours=1), "ends_at", "The absence must end after it starts."),
        (NOON - 3 * DAY, NOON - DAY, "ends_at", "This is in the past."),
        (NOON, NOON + LONGEST_ABSENCE + DAY, "ends_at", "An absence is at most two years long."),
        (NOON + LONGEST_ABSENCE, NOON + 2 * LONGEST_ABSENCE, "begins_at", "This is more than two years ahead."),
    ],
)
def test_times_that_somebody_mistyped_are_named(
    story: Story, begins_at: datetime, ends_at: datetime, field: str, sentence: str
) -> None:
    assert faults(story.bob, story.carol, begins_at, ends_at) == {field: sentence}


def test_only_people_of_our_own_who_are_there_stand_in(story: Story, dave: Recipient) -> None:
    customer = RecipientFactory(ref="C-9", name="Erin", engine=story.engine)
    dave.active = False

    assert faults(story.bob, story.bob) == {"delegate": "People cannot stand in for themselves."}
    assert faults(story.bob, customer) == {"delegate": "Erin does not belong to your organisation."}
    assert faults(story.bob, dave) == {"delegate": "Dave is not active and would not be notified."}
    assert faults(customer, None) == {"recipient": "Only people of your own organisation can be away."}


def test_two_people_do_not_stand_in_for_each_other_at_the_same_time(story: Story) -> None:
    away(story.carol, story.bob, NOON + DAY, NOON + 3 * DAY)

    assert "Carol is away too, and relies on Bob" in faults(story.bob, story.carol, NOON, NOON + 2 * DAY)["delegate"]
    assert faults(story.bob, story.carol, NOON, NOON + DAY) == {}
    assert faults(story.bob, story.carol, NOON + 3 * DAY, NOON + 4 * DAY) == {}


def test_a_longer_circle_counts_where_all_its_people_are_away_at_once(story: Story, dave: Recipient) -> None:
    away(story.carol, dave, NOON, NOON + 2 * DAY)
    back = away(dave, story.bob, NOON + DAY, NOON + 3 * DAY)

    assert "Dave is away too, and relies on Bob" in faults(story.bob, story.carol, NOON, NOON + 5 * DAY)["delegate"]
    assert faults(story.bob, story.carol, NOON, NOON + DAY) == {}
    assert faults(story.bob, story.carol, NOON + 2 * DAY, NOON + 3 * DAY) == {}
    back.delegate = None
    back.save()
    assert faults(story.bob, story.carol, NOON, NOON + 5 * DAY) == {}


def test_a_circle_of_others_does_not_hold_the_check_up(story: Story, dave: Recipient) -> None:
    away(story.carol, dave, NOON, NOON + DAY)
    away(dave, story.carol, NOON, NOON + DAY)

    assert faults(story.bob, story.carol) == {}


# --- going and coming back ------------------------------------------------------------------------
def test_who_set_an_absence_and_who_ended_it_is_on_record(story: Story, dave: Recipient) -> None:
    Recipient.objects.filter(pk=dave.pk).update(user=None)
    dave.refresh_from_db()
    entering.set_absence(story.bob, AbsenceEntry(NOON, NOON + DAY), by=story.bob)
    entering.set_absence(story.bob, AbsenceEntry(NOON, NOON + 2 * DAY, dave), by=story.carol)
    entering.end_absence(story.bob, by=dave)
    entering.end_absence(story.bob, by=dave)

    kept: Iterable[tuple[str, User | None, str, Recipient | None]] = [
        (row.history_type, row.history_user, row.history_change_reason, row.delegate)
        for row in Absence.history.order_by("history_id")
    ]
    assert list(kept) == [
        ("+", story.bob.user, "by bob", None),
        ("~", story.carol.user, "by carol", dave),
        ("-", None, "by dave", dave),
    ]
    assert not Absence.objects.exists()
