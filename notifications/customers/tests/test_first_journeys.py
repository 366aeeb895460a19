"""An installation whose milestones spoke two languages speaks all of them after the upgrade, where it is as it came."""

from typing import Any

import pytest
from django.apps import apps

from notifications import starter
from notifications.customers import first_journeys
from notifications.customers.models import Journey, Milestone
from tests.inbox.browser import get, signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db
LATER = ("es", "fr")


@pytest.fixture(autouse=True)
def fresh() -> None:
    starter.ensure(apps)
    if not Milestone.objects.exists():
        first_journeys.ensure(apps)


def words() -> list[Any]:
    return list(Milestone.objects.order_by("pk").values_list("labels", "ahead", "notes"))


def without(labels: dict[str, str]) -> dict[str, str]:
    return {language: label for language, label in labels.items() if language not in LATER}


def speak_two_languages() -> None:
    for row in Milestone.objects.all():
        row.labels, row.ahead, row.notes = without(row.labels), without(row.ahead), without(row.notes)
        row.save()


def test_milestones_that_are_as_they_came_speak_all_languages() -> None:
    before = words()
    speak_two_languages()
    assert words() != before

    first_journeys.ensure(apps)
    assert words() == before

    first_journeys.ensure(apps)
    assert words() == before


def test_what_an_administrator_wrote_is_left_alone() -> None:
    speak_two_languages()
    Milestone.objects.filter(statuses=["under_review"]).update(labels={"en": "On the desk"})

    first_journeys.ensure(apps)

    assert Milestone.objects.get(statuses=["under_review"]).labels == {"en": "On the desk"}


def test_a_kind_of_case_with_a_journey_can_be_chosen_before_there_is_such_a_case(story: Story) -> None:
    Journey.objects.create(name="Claims", case_type="claim")

    page = get(signed_in(story.bob), "/absence")

    assert page.tree.xpath("//option[@value='kind:claim']")
