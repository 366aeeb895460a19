"""Bob goes away: what waits for him is offered to Carol, or given to her in the engine; and comes back with him."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.absences import entering, hand_over
from notifications.absences.entering import AbsenceEntry
from notifications.absences.models import HandedOver
from notifications.models import (
    Absence,
    AbsencePart,
    Callback,
    Category,
    Delivery,
    FourEyesRule,
    Notification,
    Recipient,
    Task,
)
from tests.factories import RecipientFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def story() -> Story:
    return Story.begin()


def goes(story: Story, delegate: Recipient | None, **given: Any) -> Absence:
    """Bob, tomorrow at noon for two days."""
    return entering.set_absence(story.bob, AbsenceEntry(NOW + DAY, NOW + 3 * DAY, delegate, **given), by=story.bob)


def run(days: float) -> int:
    """So many days from now."""
    return hand_over.run(NOW + days * DAY)


def callbacks(kind: str = "task.reassignment_requested") -> list[Callback]:
    rows = Callback.objects.order_by("position")
    return [row for row in rows if json.loads(row.body)["type"] == kind]


def settle(callback: Callback, state: str) -> None:
    Callback.objects.filter(pk=callback.pk).update(state=state, due_at=None, ended_at=NOW)


# --- offers -----------------------------------------------------------------------------------------------------------
def test_open_items_are_offered_with_a_note_when_the_absence_begins_and_withdrawn_at_its_end(story: Story) -> None:
    Recipient.objects.filter(pk=story.carol.pk).update(timezone="Europe/Berlin", locale="de")
    story.assign()
    goes(story, story.carol)

    assert run(0.9) == 0
    assert story.states() == {"bob": "open"}
    assert run(1) == 1
    assert run(1.5) == 0

    assert story.states() == {"bob": "open", "carol": "open"}
    copy = story.copy(story.carol)
    assert copy.on_behalf_of == story.bob
    assert copy.reason == "offered by Bob, who is away until 2026-12-04 13:00 (assignee)"
    assert copy.notice == "Angeboten von Bob, abwesend. Wieder da am 4. Dezember um 13:00."
    assert [each["action"] for each in copy.actions][:2] == ["approve", "reject"]
    assert copy.event is not None and copy.event.type == "task.offered"
    assert {row.channel for row in Delivery.objects.filter(notification=copy)} >= {"live", "email"}

    assert run(3) == 1
    assert story.states() == {"bob": "open", "carol": "withdrawn"}
    assert story.copy(story.carol).reason == "Bob takes care of it again"
    assert not HandedOver.objects.exists()


def test_whoever_answers_first_has_answered(story: Story) -> None:
    story.assign()
    goes(story, story.carol)
    run(1)

    with time_machine.travel(NOW + 2 * DAY, tick=False):
        story.answer(story.carol, "approve")

    assert story.states() == {"bob": "answered", "carol": "answered"}
    run(3)
    assert story.states() == {"bob": "answered", "carol": "answered"}
    assert not HandedOver.objects.exists()


def test_bob_is_back_early_or_names_somebody_else(story: Story) -> None:
    story.assign()
    goes(story, story.carol)
    run(1)
    entering.set_absence(story.bob, AbsenceEntry(NOW + DAY, NOW + 3 * DAY, story.alice), by=story.bob)

    assert run(1.2) == 2
    assert story.states() == {"bob": "open", "carol": "withdrawn", "alice": "open"}
    entering.set_absence(story.bob, AbsenceEntry(NOW + DAY, NOW + 9 * DAY, story.alice), by=story.bob)
    assert run(1.3) == 0
    entering.end_absence(story.bob, by=story.bob)
    run(1.4)
    assert story.states() == {"bob": "open", "carol": "withdrawn", "alice": "withdrawn"}


@pytest.mark.parametrize("why", ["stays", "nobody stands in", "has it already", "answered", "is information"])
def test_what_is_not_offered(story: Story, why: str) -> None:
    candidates = {"candidates": ["bob", "carol"]} if why == "has it already" else {}
    story.assign(**candidates)
    if why == "answered":
        story.answer(story.bob, "approve")
    if why == "is information":
        Notification.objects.update(state="info")
    before = story.states()
    goes(story, None if why == "nobody stands in" else story.carol, open_items="stay" if why == "stays" else "offer")

    assert run(1) == 0
    assert story.states() == before
    assert Absence.objects.get().handed_over_at == NOW + DAY


def test_each_item_goes_to_the_delegate_of_its_part(story: Story) -> None:
    story.assign()
    row = goes(story, story.carol)
    AbsencePart.objects.create(absence=row, category=Category.objects.get(slug="approvals"), delegate=story.alice)

    run(1)

    assert story.states() == {"bob": "open", "alice": "open"}


def test_what_the_engine_gives_to_carol_herself_stays_with_her(story: Story) -> None:
    story.assign()
    goes(story, story.carol)
    run(1)
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        story.assign(assignee="carol", minute=60 * 24 * 30)

    run(3)

    assert story.states()["carol"] == "open"


# --- in the engine ----------------------------------------------------------------------------------------------------
def test_the_engine_is_asked_once_and_asked_back_at_the_end(story: Story) -> None:
    story.assign()
    goes(story, story.carol, open_items="reassign", give_back=True)

    assert run(1) == 1
    assert run(1.1) == 0

    (call,) = callbacks()
    data = json.loads(call.body)["data"]
    assert (data["task_id"], data["assignee"]["ref"], data["to"]["ref"]) == ("T-42", "bob", "carol")
    assert data["absence"] == {"until": "2026-12-04T12:00:00Z"}
    assert call.due_at == NOW + DAY
    assert str(call) == "Approve invoice 4711 is to be given to Carol → Invoices"
    assert story.states() == {"bob": "open"}  # until the engine has done it
    settle(call, "delivered")
    Task.objects.update(assignee=story.carol)

    run(3)

    assert [json.loads(each.body)["data"]["to"]["ref"] for each in callbacks()] == ["carol", "bob"]
    assert [each.position for each in callbacks()] == [1, 2]


def test_a_call_that_still_waits_is_called_off_when_bob_is_back(story: Story) -> None:
    story.assign()
    goes(story, story.carol, open_items="reassign", give_back=True)
    run(1)

    run(3)

    assert [(each.state, each.due_at) for each in callbacks()] == [("superseded", None)]


@pytest.mark.parametrize("why", ["no address", "not his", "four eyes", "refused"])
def test_what_cannot_be_given_in_the_engine_is_offered(story: Story, why: str) -> None:
    story.assign(**{"candidates": ["bob"]} if why == "not his" else {}, initiator="carol")
    if why == "no address":
        type(story.engine).objects.update(callback_url="")
    if why == "four eyes":
        FourEyesRule.objects.create(name="Two", not_initiator=True)
    goes(story, story.carol, open_items="reassign")
    run(1)
    if why == "refused":
        settle(callbacks()[0], "refused")
        assert run(1.1) == 1

    assert story.states() == {"bob": "open", "carol": "open"}
    assert run(1.2) == 0


# --- many -------------------------------------------------------------------------------------------------------------
def test_two_hundred_items_are_handed_over_in_steps_of_few_statements(story: Story) -> None:
    for number in range(hand_over.STEP + 5):
        story.assign(f"T-{number}")
    goes(story, story.carol)

    with CaptureQueriesContext(
        connection,
    ) as made:
        assert run(1) == hand_over.STEP + 5

    assert len(made) <= 75
    offered = Delivery.objects.filter(recipient=story.carol, channel="email")
    assert offered.count() == hand_over.LOUD
    with CaptureQueriesContext(connection) as back:
        assert run(3) == hand_over.STEP + 5
    assert len(back) <= 50


def test_nobody_away_costs_five_statements(story: Story) -> None:
    RecipientFactory.create_batch(3)
    with CaptureQueriesContext(connection) as made:
        run(1)
    assert len(made) == 5
