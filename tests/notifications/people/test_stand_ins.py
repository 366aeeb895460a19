"""Bob is away: what would reach him reaches Carol, or Dave where she is away too; and nobody is ever lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from notifications import reasons
from notifications.models import Absence, AbsencePart, Category, NotificationState, Recipient, TargetKind
from notifications.people.stand_ins import PartSubject, StandIns
from notifications.routing import pipeline
from tests.factories import BrandFactory, CategoryFactory, RecipientFactory, RouteFactory
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


def away(
    person: Recipient, delegate: Recipient | None, begins_at: datetime | None = None, ends_at: datetime | None = None
) -> Absence:
    """From yesterday until tomorrow, unless the story says otherwise; whether or not it makes sense."""
    now = timezone.now()
    return Absence.objects.create(
        recipient=person, begins_at=begins_at or now - DAY, ends_at=ends_at or now + DAY, delegate=delegate
    )


def told(*people: Recipient, now: datetime | None = None) -> dict[str, str]:
    """Who is told in whose place, by their refs."""
    names = {person.pk: person.ref for person in people}
    found = StandIns(now or timezone.now()).of(people)
    return {names[pk]: stand_in.ref for pk, stand_in in found.items()}


# --- who stands in --------------------------------------------------------------------------------
def test_carol_stands_in_for_bob_while_he_is_away(story: Story) -> None:
    away(story.bob, story.carol, NOON, NOON + DAY)

    assert told(story.alice, story.bob, now=NOON - timedelta(seconds=1)) == {}
    assert told(story.alice, story.bob, now=NOON) == {"bob": "carol"}
    assert told(story.alice, story.bob, now=NOON + DAY - timedelta(seconds=1)) == {"bob": "carol"}
    assert told(story.alice, story.bob, now=NOON + DAY) == {}


def test_when_carol_is_away_too_her_own_delegate_stands_in(story: Story, dave: Recipient) -> None:
    away(story.alice, story.bob)
    away(story.bob, story.carol)
    away(story.carol, dave)

    assert told(story.alice, story.bob, story.carol) == {"alice": "dave", "bob": "dave", "carol": "dave"}


def test_a_circle_leaves_everything_with_those_who_are_meant(story: Story, dave: Recipient) -> None:
    away(story.alice, story.bob)
    away(story.bob, story.carol)
    away(story.carol, story.bob)

    assert told(story.alice, story.bob, story.carol) == {}


@pytest.mark.parametrize("end", ["nobody", "switched off", "away without a delegate", "external"])
def test_a_chain_that_leads_to_nobody_leaves_it_with_who_is_meant(story: Story, dave: Recipient, end: str) -> None:
    away(story.alice, story.bob)
    away(story.bob, None if end == "nobody" else dave)
    if end == "away without a delegate":
        away(dave, None)
    changes = {"switched off": {"active": False}, "external": {"engine": story.engine, "user": None}}
    Recipient.objects.filter(pk=dave.pk).update(**changes.get(end, {}))

    assert told(story.alice, story.bob) == {}


def test_an_external_person_is_never_away(story: Story) -> None:
    customer = RecipientFactory(ref="C-9", engine=story.engine)
    away(customer, story.bob)

    assert told(customer) == {}


def test_it_costs_one_question_when_nobody_is_away_and_one_more_a_link(
    story: Story, dave: Recipient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    people = [story.alice, story.bob, story.carol, dave]
    with django_assert_num_queries(0):
        assert told() == {}
    with django_assert_num_queries(1):
        assert told(*people) == {}
    away(story.alice, story.carol)
    away(story.bob, story.carol)
    with django_assert_num_queries(2):
        assert told(*people) == {"alice": "carol", "bob": "carol"}
    with django_assert_num_queries(3):
        assert told(story.alice) == {"alice": "carol"}
    away(story.carol, dave)
    with django_assert_num_queries(4):
        assert told(story.alice, story.bob) == {"alice": "dave", "bob": "dave"}
    with django_assert_num_queries(2):
        assert told(*people)["bob"] == "dave"
    stand_in = StandIns(timezone.now()).of([story.bob])[story.bob.pk]
    with django_assert_num_queries(0):
        assert stand_in.brand is not None


# --- other delegates for some of it ----------------------------------------------------------------
def but_for(row: Absence, delegate: Recipient | None, **about: Any) -> AbsencePart:
    return AbsencePart.objects.create(absence=row, delegate=delegate, **about)


def test_a_part_has_a_delegate_of_its_own_and_each_link_of_the_chain_looks_at_what_it_is_about(
    story: Story, dave: Recipient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    approvals, field_work = Category.objects.get(slug="approvals"), CategoryFactory(slug="field-work")
    row = away(story.bob, story.alice)
    but_for(row, story.carol, category=approvals)
    but_for(row, None, case_type="claim")
    but_for(away(story.carol, None), dave, engine=story.engine)

    def stands_in(about: PartSubject) -> str:
        found = StandIns(timezone.now()).of([story.bob], about)
        return found[story.bob.pk].ref if found else ""

    assert stands_in(PartSubject()) == "alice"
    assert stands_in(PartSubject(field_work.pk, story.engine.pk, "repair")) == "alice"
    assert stands_in(PartSubject(approvals.pk, story.engine.pk, "claim")) == "dave"
    assert stands_in(PartSubject(approvals.pk, None)) == ""
    assert stands_in(PartSubject(field_work.pk, story.engine.pk, "claim")) == ""
    with django_assert_num_queries(4):  # Bob; Alice and Carol; Dave; who stands in
        StandIns(timezone.now()).of([story.bob], PartSubject(approvals.pk, story.engine.pk))


def test_an_event_reaches_the_delegate_for_its_category_and_says_so(story: Story) -> None:
    row = away(story.bob, story.alice)
    but_for(row, story.carol, category=Category.objects.get(slug="approvals"))
    story.assign()

    assert story.states() == {"carol": "open"}
    assert story.copy(story.carol).reason == "delegate of Bob for Approvals and tasks (assignee)"
    row.parts.update(category=None, case_type="repair")
    story.happen("task.assigned", {"task": {"id": "T-43", "name": "Check", "assignee": "bob"}}, minute=1)
    assert story.copy(story.alice, "T-43").reason == "delegate of Bob (assignee)"


# --- events ---------------------------------------------------------------------------------------
def test_what_would_reach_bob_reaches_carol_and_says_for_whom(story: Story) -> None:
    away(story.bob, story.carol)
    event = story.assign()

    assert story.states() == {"carol": "open"}
    copy = story.copy(story.carol)
    assert copy.on_behalf_of == story.bob
    assert copy.reason == "delegate of Bob (assignee)"
    assert [(each["ref"], each["reason_fact"]) for each in event.plan["recipients"]] == [("carol", copy.reason_fact)]


def test_who_is_named_anyway_gets_one_copy_of_their_own(story: Story) -> None:
    away(story.bob, story.carol)
    story.assign(candidates=["bob", "carol"])

    assert story.states() == {"carol": "open"}
    copy = story.copy(story.carol)
    assert (copy.on_behalf_of, copy.reason) == (None, "candidate")


def test_who_stands_in_for_two_gets_one_copy(story: Story, dave: Recipient) -> None:
    away(story.bob, dave)
    away(story.carol, dave)
    story.assign(candidates=["bob", "carol"])

    assert story.states() == {"dave": "open"}
    assert story.copy(dave).on_behalf_of == story.bob


def test_a_stand_in_who_may_not_be_found_leaves_the_message_with_bob(story: Story) -> None:
    away(story.bob, None)
    story.assign()

    assert story.states() == {"bob": "open"}
    assert story.copy(story.bob).on_behalf_of is None


def test_what_waited_for_bob_before_he_went_still_does(story: Story) -> None:
    story.assign()
    away(story.bob, story.carol)
    story.happen("task.updated", {"task": {"id": "T-42", "priority": "urgent"}}, minute=1)

    assert story.states() == {"bob": "open", "carol": "open"}
    assert story.copy(story.carol).on_behalf_of == story.bob


def test_it_does_even_when_the_task_is_his_anew(story: Story) -> None:
    story.assign(candidates=["alice", "bob"])
    away(story.bob, story.carol)
    story.assign(minute=1, assignee="bob")

    assert story.states() == {"alice": "withdrawn", "bob": "open", "carol": "open"}


def test_when_bob_is_back_his_delegate_keeps_what_waits(story: Story) -> None:
    row = away(story.bob, story.carol)
    story.assign()
    row.delete()
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4711 at once"}}, minute=1)

    assert story.states() == {"carol": "open", "bob": "open"}
    assert story.copy(story.carol).title == "Approve invoice 4711 at once"


def test_a_task_that_goes_to_alice_leaves_bobs_delegate(story: Story) -> None:
    away(story.bob, story.carol)
    story.assign()
    story.assign(minute=1, assignee="alice")

    assert story.states() == {"carol": "withdrawn", "alice": "open"}
    assert story.copy(story.carol).reason == "Reassigned to Alice"


def test_carols_answer_is_her_own(story: Story) -> None:
    away(story.bob, story.carol)
    story.assign()
    story.answer(story.carol, "approve")

    task = story.task()
    assert task.outcome["by"] == {"ref": "carol", "name": "Carol"}
    assert story.copy(story.carol).state == NotificationState.ANSWERED


def test_a_dry_run_says_who_would_stand_in(story: Story) -> None:
    away(story.bob, story.carol)
    event = story.send("task.assigned", {"task": {"id": "T-9", "name": "Approve", "assignee": "bob"}})
    inbound = pipeline.InboundEvent(
        id="e-x", source="invoices", type=event.type, data=event.data, digest="x", time=None
    )

    plan = pipeline.dry_run(story.engine, inbound, timezone.now()).plan

    assert [str(reasons.read(each)) for each in plan.recipients] == ["delegate of Bob (assignee)"]


def test_managers_are_away_too(story: Story, dave: Recipient) -> None:
    RouteFactory(name="Managers", types=["task.escalated"], targets=[TargetKind.MANAGER], priority=1, stop=True)
    story.assign()
    away(story.carol, dave)
    story.happen("task.escalated", {"task": {"id": "T-42"}}, minute=1)

    assert story.copy(dave).reason == "delegate of Carol (manager of Bob)"


def test_an_absence_begins_and_ends_by_the_clock(story: Story) -> None:
    with time_machine.travel(NOON, tick=False):
        away(story.bob, story.carol, NOON + DAY, NOON + 2 * DAY)
        story.assign("T-1", minute=None)
    with time_machine.travel(NOON + DAY, tick=False):
        story.assign("T-2", minute=None)
    with time_machine.travel(NOON + 2 * DAY, tick=False):
        story.assign("T-3", minute=None)

    assert [story.states(each) for each in ("T-1", "T-2", "T-3")] == [
        {"bob": "open"},
        {"carol": "open"},
        {"bob": "open"},
    ]
