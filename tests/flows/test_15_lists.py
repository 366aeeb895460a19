"""Tasks of the people on a list for cases: the case's type changes, or one of many leaves the list."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import CaseList, Recipient, TargetKind
from notifications.routing import entitlement_review
from tests.factories import RecipientFactory
from tests.flows.test_15_rights import NOW, clock, only_route  # noqa: F401  # a fixture
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    return Story.begin()


def listed(case_type: str, *people: Recipient) -> CaseList:
    row = CaseList.objects.create(case_type=case_type)
    row.people.add(*people)
    return row


def of_case(case_id: str, case_type: str) -> dict[str, str]:
    return {"id": case_id, "type": case_type}


def test_a_case_of_another_type_goes_to_the_other_list(story: Story) -> None:
    only_route(TargetKind.CASE_LIST)
    listed("claims", story.bob)
    listed("repairs", story.carol)
    task = {"id": "T-42", "name": "Look at it", "candidates": ["alice"]}
    story.happen("task.assigned", {"task": task, "case": of_case("1", "claims")}, minute=0)
    assert story.states() == {"bob": "open"}

    story.happen("task.updated", {"task": {"id": "T-42"}, "case": of_case("1", "repairs")}, minute=1)
    entitlement_review.drain()
    assert story.states() == {"bob": "withdrawn", "carol": "open"}

    story.happen("task.updated", {"task": {"id": "T-42"}, "case": of_case("2", "claims")}, minute=2)
    entitlement_review.drain()
    assert story.states() == {"bob": "open", "carol": "withdrawn"}


def test_one_of_many_leaves_a_list_without_a_query_for_each_of_the_others(story: Story) -> None:
    only_route(TargetKind.CASE_LIST)
    people = [RecipientFactory() for _ in range(40)]
    claims = listed("claims", *people)
    task = {"id": "T-42", "name": "Look at it", "candidates": ["alice"]}
    story.happen("task.assigned", {"task": task, "case": of_case("1", "claims")}, minute=0)
    claims.people.remove(people[0])

    with CaptureQueriesContext(connection) as queries:
        entitlement_review.settle(people[0].pk, NOW)

    assert sum(state == "withdrawn" for state in story.states().values()) == 1
    assert len(queries) < 40
