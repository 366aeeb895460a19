"""Whoever has a task for a reason that ends, such as a team, a delegation, a duty or a role, has it until then."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction

from escalations.clocks import due_steps
from escalations.models import StepTarget
from notifications.absences import entering, tasks
from notifications.absences.entering import AbsenceEntry
from notifications.absences.models import AbsenceFeed, CalendarAbsence
from notifications.engines import callback_results
from notifications.errors import Withdrawn
from notifications.models import (
    ActionToken,
    Callback,
    CallbackState,
    CaseList,
    Category,
    Delivery,
    EntitlementReview,
    Event,
    Notification,
    Recipient,
    Route,
    RouteTarget,
    TargetKind,
    Team,
    Template,
)
from notifications.reasons import NOTHING
from notifications.rotas.tasks import hand_over_duty
from notifications.rotas.tests.rotas import rota_of
from notifications.routing import entitlement_review
from notifications.routing.entitlement import Entitlements
from tests.factories import RecipientFactory, TeamFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def story() -> Story:
    return Story.begin()


def away(person: Recipient, delegate: Recipient | None, days: float = 9, **given: Any) -> None:
    entering.set_absence(person, AbsenceEntry(NOW - DAY, NOW + days * DAY, delegate, **given), by=person)


def only_route(kind: TargetKind, **target: Any) -> Route:
    Route.objects.update(enabled=False)
    route = Route.objects.create(
        name="Only", template=Template.objects.get(slug="task"), category=Category.objects.get(slug="approvals")
    )
    RouteTarget.objects.create(route=route, kind=kind, **target)
    return route


def reviewed(story: Story) -> dict[str, str]:
    """The states of copies when all reasons have been looked at."""
    entitlement_review.drain()
    return story.states()


def refusal(story: Story, person: Recipient) -> str:
    """Of an answer, which nobody hears of."""
    with pytest.raises(Withdrawn) as refused:
        story.answer(person, "approve")
    assert not Callback.objects.exists()
    return str(refused.value.detail)


# --- while it was answered -------------------------------------------------------------------------------------------
def test_what_opens_again_goes_to_whoever_has_the_place_by_then(story: Story) -> None:
    only_route(TargetKind.TEAM_LEAD)
    story.assign(teams=["finance"])
    answer = story.answer(story.carol, "approve").response
    Team.objects.filter(pk=story.finance.pk).update(lead=story.alice)
    assert reviewed(story) == {"carol": "answered"}

    with transaction.atomic():
        callback_results.engine_has_it(answer.pk, CallbackState.REFUSED, NOTHING, NOW)

    assert reviewed(story) == {"carol": "withdrawn", "alice": "open"}
    story.answer(story.alice, "approve")


def test_nobody_is_looked_at_when_all_still_have_it(story: Story) -> None:
    story.assign(teams=["finance"])
    answer = story.answer(story.carol, "approve").response
    with transaction.atomic():
        callback_results.engine_has_it(answer.pk, CallbackState.REFUSED, NOTHING, NOW)
    assert story.states() == {"bob": "open", "carol": "open"}
    assert not EntitlementReview.objects.exists()


# --- teams ------------------------------------------------------------------------------------------------------------
def test_who_leaves_the_team_has_its_tasks_no_more(story: Story) -> None:
    story.assign(teams=["finance"])
    assert story.states() == {"bob": "open", "carol": "open"}
    story.finance.members.remove(story.bob)

    assert refusal(story, story.bob) == "This is no longer yours to answer: No longer a member of team Finance."

    assert reviewed(story) == {"bob": "withdrawn", "carol": "open"}
    assert story.copy(story.bob).reason == "No longer a member of team Finance"
    assert not ActionToken.objects.filter(recipient=story.bob, voided_at=None).exists()
    assert not Delivery.objects.filter(notification=story.copy(story.bob), state="pending").exists()
    assert not EntitlementReview.objects.exists()
    story.answer(story.carol, "approve")


def test_who_is_in_another_of_its_teams_keeps_it(story: Story) -> None:
    TeamFactory(slug="audit", name="Audit", members=[story.bob])
    story.assign(teams=["finance", "audit"])
    story.finance.members.remove(story.bob)

    assert reviewed(story) == {"bob": "open", "carol": "open"}
    assert story.answer(story.bob, "approve").created


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (TargetKind.INITIATOR, {}),
        (TargetKind.FOLLOWERS, {}),
        (TargetKind.ROLE, {"role": "account_manager"}),
        (TargetKind.CASE_LIST, {}),
        (TargetKind.RECIPIENTS, {}),
        (TargetKind.CUSTOMER, {}),
        (TargetKind.PATH, {"path": "variables.by"}),
    ],
)
def test_who_leaves_the_team_keeps_what_the_event_names_them_for(
    story: Story, kind: TargetKind, target: dict[str, str]
) -> None:
    route = only_route(TargetKind.TEAM, team=story.finance)
    RouteTarget.objects.create(route=route, kind=kind, **target)
    CaseList.objects.create(case_type="claims").people.set([story.carol])
    data = {
        "task": {"id": "T-42", "name": "Approve", "initiator": "carol"},
        "case": {"id": "4711", "type": "claims", "roles": {"account_manager": "carol"}},
        "recipients": ["carol"],
        "customer": "carol",
        "variables": {"by": "carol"},
    }
    story.happen("task.assigned", data, minute=0)
    story.copy(story.carol).case.followers.add(story.carol)
    story.finance.members.clear()

    assert reviewed(story) == {"bob": "withdrawn", "carol": "open"}


def test_who_started_it_and_is_added_later_keeps_it(story: Story) -> None:
    RouteTarget.objects.create(route=only_route(TargetKind.TEAM, team=story.finance), kind=TargetKind.INITIATOR)
    story.assign(assignee=None, initiator="dave")
    dave = RecipientFactory(ref="dave", name="Dave")
    story.finance.members.set([dave])
    assert reviewed(story) == {"bob": "withdrawn", "carol": "withdrawn", "dave": "open"}

    story.finance.members.clear()
    assert reviewed(story)["dave"] == "open"


def test_what_the_engine_gave_to_somebody_stays(story: Story) -> None:
    story.assign(candidates=["bob", "carol"])
    story.finance.members.clear()

    assert reviewed(story) == {"bob": "open", "carol": "open"}
    assert story.answer(story.bob, "approve").created


def test_a_task_that_nobody_has_any_more_is_named_by_the_trace(story: Story) -> None:
    story.assign(teams=["finance"])
    story.finance.members.clear()

    assert reviewed(story) == {"bob": "withdrawn", "carol": "withdrawn"}
    event = Event.objects.get(type="task.passed_on")
    assert event.unresolved == 1
    assert [each["reason_fact"] for each in event.plan["unresolved"]] == [{"code": "nobody_has_task"}]


def test_a_new_member_has_what_nobody_else_of_the_team_has(story: Story) -> None:
    story.assign(teams=["finance"])
    story.finance.members.set([story.alice])

    assert reviewed(story) == {"bob": "withdrawn", "carol": "withdrawn", "alice": "open"}
    assert story.copy(story.alice).reason == "member of team Finance"


# --- leads and managers -----------------------------------------------------------------------------------------------
def test_the_next_lead_has_what_the_lead_had(story: Story) -> None:
    only_route(TargetKind.TEAM_LEAD)
    story.assign(teams=["finance"])
    assert story.states() == {"carol": "open"}
    story.finance.lead = story.alice
    story.finance.save()

    assert refusal(story, story.carol) == "This is no longer yours to answer: No longer lead of team Finance."
    assert reviewed(story) == {"carol": "withdrawn", "alice": "open"}
    assert story.copy(story.alice).reason == "lead of team Finance"


def test_the_manager_of_before_does_not_decide_what_ran_late(story: Story, clock: time_machine.Traveller) -> None:
    story.tell_manager_when_due()
    story.assign(due_at=f"{NOW + DAY:%Y-%m-%dT%H:%M:%SZ}")
    clock.move_to(NOW + 2 * DAY)
    due_steps.drain()
    assert story.states() == {"bob": "open", "carol": "open"}
    Recipient.objects.filter(pk=story.bob.pk).update(manager=story.alice)

    assert refusal(story, story.carol) == "This is no longer yours to answer: No longer manager of Bob."
    assert reviewed(story) == {"bob": "open", "carol": "withdrawn", "alice": "open"}
    assert story.copy(story.alice).escalated


# --- delegates --------------------------------------------------------------------------------------------------------
def test_what_came_for_bob_is_his_when_he_is_back(story: Story) -> None:
    away(story.bob, story.carol)
    story.assign()
    assert story.states() == {"carol": "open"}
    entering.end_absence(story.bob, by=story.bob)

    assert refusal(story, story.carol) == "This is no longer yours to answer: Bob takes care of it again."
    assert reviewed(story) == {"carol": "withdrawn", "bob": "open"}
    assert story.copy(story.bob).reason == "assignee"
    assert story.copy(story.bob).on_behalf_of is None


def test_an_absence_is_over_at_its_time(story: Story, clock: time_machine.Traveller) -> None:
    away(story.bob, story.carol, days=1)
    story.assign()
    assert reviewed(story) == {"carol": "open"}
    assert EntitlementReview.objects.get().due_at == NOW + DAY

    clock.move_to(NOW + DAY)
    assert entitlement_review.has_due(NOW + DAY)
    assert reviewed(story) == {"carol": "withdrawn", "bob": "open"}
    assert not EntitlementReview.objects.exists()


def test_another_delegate_has_it_instead(story: Story) -> None:
    away(story.bob, story.carol)
    story.assign()
    away(story.bob, story.alice)

    assert refusal(story, story.carol) == "This is no longer yours to answer: No longer stands in for Bob."
    assert reviewed(story) == {"carol": "withdrawn", "alice": "open"}
    assert story.copy(story.alice).on_behalf_of == story.bob
    assert story.copy(story.alice).reason == "delegate of Bob (assignee)"


def test_a_link_of_the_chain_is_back(story: Story) -> None:
    away(story.bob, story.carol)
    away(story.carol, story.alice)
    story.assign()
    assert story.states() == {"alice": "open"}
    entering.end_absence(story.carol, by=story.carol)

    assert reviewed(story) == {"alice": "withdrawn", "carol": "open"}


def test_a_calendar_says_no_longer_that_bob_is_away(story: Story) -> None:
    feed = AbsenceFeed.objects.create(recipient=story.bob, url="https://c.example/b", delegate=story.carol)
    row = CalendarAbsence.objects.create(feed=feed, begins_at=NOW - DAY, ends_at=NOW + DAY)
    story.assign()
    assert story.states() == {"carol": "open"}
    row.delete()

    assert "Bob takes care of it again" in refusal(story, story.carol)
    assert reviewed(story) == {"carol": "withdrawn", "bob": "open"}


def test_what_was_offered_is_withdrawn_at_once_and_not_offered_twice(story: Story) -> None:
    story.assign()
    away(story.bob, story.carol)
    tasks.hand_over_absences()
    assert story.states() == {"bob": "open", "carol": "open"}
    away(story.bob, story.alice)

    assert "No longer stands in for Bob" in refusal(story, story.carol)
    assert reviewed(story) == {"bob": "open", "carol": "withdrawn"}
    tasks.hand_over_absences()
    assert story.states() == {"bob": "open", "carol": "withdrawn", "alice": "open"}


def test_the_delegate_of_a_member_has_it_no_longer_than_the_member(story: Story) -> None:
    away(story.bob, story.alice)
    story.assign(teams=["finance"])
    assert story.states() == {"alice": "open", "carol": "open"}
    story.finance.members.remove(story.bob)

    refusal(story, story.alice)
    assert reviewed(story) == {"alice": "withdrawn", "carol": "open"}


def test_who_stands_in_for_another_of_its_people_keeps_it(story: Story) -> None:
    away(story.bob, story.alice)
    away(story.carol, story.alice)
    story.assign(teams=["finance"])
    assert story.states() == {"alice": "open"}
    entering.end_absence(story.bob, by=story.bob)

    assert reviewed(story) == {"alice": "open"}
    assert story.answer(story.alice, "approve").created


def test_a_delegate_who_is_switched_off_stands_in_no_more(story: Story) -> None:
    away(story.bob, story.carol)
    story.assign()
    Recipient.objects.filter(pk=story.carol.pk).update(active=False)

    assert reviewed(story) == {"carol": "withdrawn", "bob": "open"}


# --- duty -------------------------------------------------------------------------------------------------------------
def test_the_next_on_duty_has_what_is_open(story: Story, clock: time_machine.Traveller) -> None:
    rota = rota_of(story.finance, story.bob, story.carol)
    only_route("duty", ref=str(rota.pk))
    story.assign(teams=["finance"])
    assert story.states() == {"bob": "open"}
    hand_over_duty()
    clock.move_to(NOW + 7 * DAY)

    assert refusal(story, story.bob) == f"This is no longer yours to answer: No longer on duty for {rota.name}."
    hand_over_duty()
    assert reviewed(story) == {"bob": "withdrawn", "carol": "open"}
    assert story.copy(story.carol).reason == f"on duty for {rota.name}"


def test_while_nobody_is_on_duty_it_stays(story: Story) -> None:
    rota = rota_of(story.finance, story.bob)
    only_route("duty", ref=str(rota.pk))
    story.assign(teams=["finance"])
    hand_over_duty()
    rota.layers.all().delete()
    hand_over_duty()

    assert reviewed(story) == {"bob": "open"}
    assert story.answer(story.bob, "approve").created


# --- cases ------------------------------------------------------------------------------------------------------------
def test_who_has_the_role_now_has_its_tasks(story: Story) -> None:
    only_route(TargetKind.ROLE, role="account_manager")
    case = {"id": "4711", "type": "claims", "roles": {"account_manager": "bob"}}
    story.happen("task.assigned", {"task": {"id": "T-42", "name": "Approve"}, "case": case}, minute=0)
    assert story.states() == {"bob": "open"}
    story.happen("case.changed", {"case": {"id": "4711", "roles": {"account_manager": ["carol"]}}}, minute=1)

    assert refusal(story, story.bob) == "This is no longer yours to answer: No longer account manager of the case."
    assert reviewed(story) == {"bob": "withdrawn", "carol": "open"}


def test_who_is_taken_off_the_list_has_them_no_more(story: Story) -> None:
    only_route(TargetKind.CASE_LIST)
    listed = CaseList.objects.create(case_type="claims")
    listed.people.set([story.bob])
    listed.teams.set([story.finance])
    case = {"id": "4711", "type": "claims"}
    story.happen("task.assigned", {"task": {"id": "T-42", "name": "Approve"}, "case": case}, minute=0)
    assert story.states() == {"bob": "open", "carol": "open"}
    listed.teams.clear()

    assert refusal(story, story.carol) == "This is no longer yours to answer: No longer on the list for claims."
    assert reviewed(story) == {"bob": "open", "carol": "withdrawn"}


# --- many -------------------------------------------------------------------------------------------------------------
def test_a_step_of_a_policy_that_names_a_team(story: Story, clock: time_machine.Traveller) -> None:
    audit = TeamFactory(slug="audit", name="Audit", members=[story.alice])
    policy = story.tell_manager_when_due()
    policy.steps.all().delete()
    story.add_step(policy, 0, StepTarget.TEAM, team=audit)
    story.assign(due_at=f"{NOW + DAY:%Y-%m-%dT%H:%M:%SZ}")
    clock.move_to(NOW + 2 * DAY)
    due_steps.drain()
    assert story.states() == {"bob": "open", "alice": "open"}
    type(audit).objects.filter(pk=audit.pk).update(name="Revision")
    assert EntitlementReview.objects.count() == 0
    audit.members.clear()

    assert reviewed(story) == {"bob": "open", "alice": "withdrawn"}


def test_many_tasks_are_withdrawn_in_small_transactions(story: Story) -> None:
    for number in range(entitlement_review.STEP + 3):
        story.assign(f"T-{number}", teams=["finance"])
    story.finance.members.remove(story.bob)
    entitlement_review.drain()

    states = Notification.objects.filter(recipient=story.bob).values_list("state", flat=True)
    assert set(states) == {"withdrawn"}
    assert not EntitlementReview.objects.exists()


def test_a_manager_who_was_told_as_lead_too_keeps_it(story: Story, clock: time_machine.Traveller) -> None:
    policy = story.tell_manager_when_due()
    story.add_step(policy, 10, StepTarget.TEAM_LEAD, team=story.finance)
    story.assign(due_at=f"{NOW + DAY:%Y-%m-%dT%H:%M:%SZ}")
    clock.move_to(NOW + 2 * DAY)
    due_steps.drain()
    due_steps.drain()
    Recipient.objects.filter(pk=story.bob.pk).update(manager=None)
    assert reviewed(story) == {"bob": "open", "carol": "open"}
    assert story.answer(story.carol, "acknowledge").created

    type(story.finance).objects.update(lead=None)
    assert reviewed(story) == {"bob": "open", "carol": "withdrawn"}


def test_copies_that_cannot_end_cost_no_statement(story: Story, django_assert_num_queries: Any) -> None:
    story.assign()
    copies = list(Notification.objects.select_related("task__case"))
    with django_assert_num_queries(0):
        entitlements = Entitlements(copies, NOW)
        assert not any(entitlements.ended(copy) for copy in copies)


def test_a_person_of_the_team_is_read_by_one_statement(story: Story, django_assert_num_queries: Any) -> None:
    RecipientFactory(ref="dave")
    story.assign(teams=["finance"])
    copies = list(Notification.objects.select_related("task__case"))
    with django_assert_num_queries(1):
        entitlements = Entitlements(copies, NOW)
        assert not any(entitlements.ended(copy) for copy in copies)
