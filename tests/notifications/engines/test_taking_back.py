"""A final answer of the inbox is held for some seconds, in which its person may take it back."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from escalations.models import Escalation, EscalationState
from notifications.engines.returned_answers import take_back
from notifications.errors import TooLate
from notifications.items import undo_window
from notifications.items.representation import task_json
from notifications.models import Callback, NotificationState, Recipient, Response, Via
from tests.inbox.browser import get, signed_in
from tests.support.callbacks import claimed, dispatch
from tests.support.receiver import Receiver
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

HELD = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_window, "HELD", HELD)


def deliver(then: datetime | None = None) -> None:
    """The dispatcher's turn; `then`: after the time for which answers are held."""
    if then:
        Callback.objects.filter(due_at__isnull=False).update(due_at=then)
    dispatch()


def undo(story: Story, person: Recipient | None = None) -> None:
    take_back(story.copy(person or story.bob), timezone.now())


def test_the_engine_is_told_when_the_time_is_over(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve", via=Via.INBOX)
    deliver()
    assert receiver.calls == []
    assert story.copy(story.carol).outcome["undo_until"] > timezone.now().isoformat()[:19]

    deliver(timezone.now())

    assert [call.data["action"] for call in receiver.calls] == ["approve"]
    assert "undo_until" not in story.copy(story.carol).outcome
    with pytest.raises(TooLate):
        undo(story)


def test_taken_back_it_waits_for_everybody_again_and_no_engine_hears_of_it(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve", via=Via.INBOX)
    assert story.states() == {"bob": "answered", "carol": "answered"}

    undo(story)
    deliver(timezone.now())

    assert story.states() == {"bob": "open", "carol": "open"}
    assert [story.copy(person).outcome for person in (story.bob, story.carol)] == [None, None]
    assert story.task().outcome is None
    assert receiver.calls == []
    assert story.callbacks() == [("approve", "taken_back")]
    assert not Response.objects.get().counts


def test_the_same_answer_can_be_given_again_and_is_told_once(story: Story, receiver: Receiver) -> None:
    for _ in range(2):
        story.answer(story.bob, "approve", "Fine", via=Via.INBOX)
        undo(story)
    story.answer(story.bob, "approve", "Fine", via=Via.INBOX)
    deliver(timezone.now())

    assert [call.data["comment"] for call in receiver.calls] == ["Fine"]
    assert story.callbacks() == [("approve", "taken_back")] * 2 + [("approve", "delivered")]


def test_what_the_answer_had_overtaken_is_told_after_all(story: Story, receiver: Receiver) -> None:
    story.answer(story.carol, "acknowledge")
    story.answer(story.bob, "reject", "No", via=Via.INBOX)
    assert story.callbacks() == [("acknowledge", "superseded"), ("reject", "waiting")]

    undo(story)
    deliver(timezone.now())

    assert [call.data["action"] for call in receiver.calls] == ["acknowledge"]
    assert story.task().state == "acknowledged"


def test_colleagues_may_answer_what_was_taken_back(story: Story, receiver: Receiver) -> None:
    story.answer(story.bob, "approve", via=Via.INBOX)
    undo(story)

    story.answer(story.carol, "reject", "Too much", via=Via.INBOX)
    with pytest.raises(TooLate):
        undo(story)  # Bob has none that counts
    deliver(timezone.now())

    assert [call.data["action"] for call in receiver.calls] == ["reject"]


@pytest.mark.parametrize("via", ["webpush", "fcm", "email", Via.API])
def test_answers_from_anywhere_else_are_told_at_once(story: Story, receiver: Receiver, via: str) -> None:
    story.answer(story.bob, "approve", via=via)

    with pytest.raises(TooLate):
        undo(story)
    deliver()

    assert len(receiver.calls) == 1


@pytest.mark.parametrize("action", ["acknowledge", "request_info"])
def test_only_final_answers_are_held(story: Story, receiver: Receiver, action: str) -> None:
    story.answer(story.bob, action, "Why?", via=Via.INBOX)
    deliver()

    assert len(receiver.calls) == 1
    with pytest.raises(TooLate):
        undo(story)


def test_while_it_is_being_sent_it_is_too_late(story: Story) -> None:
    story.answer(story.bob, "approve", via=Via.INBOX)
    Callback.objects.update(due_at=timezone.now())
    assert len(claimed()) == 1

    with pytest.raises(TooLate):
        undo(story)
    assert story.callbacks() == [("approve", "waiting")]


def test_an_engine_that_asks_is_not_told_either(story: Story) -> None:
    story.answer(story.bob, "approve", via=Via.INBOX)
    task = story.task()
    assert task_json(task) == {"id": "T-42", "state": "open", "kind": "approval", "answers": []}

    Callback.objects.update(due_at=timezone.now())
    Response.objects.update(at=timezone.now() - HELD)

    assert task_json(task)["state"] == "answered"
    assert len(task_json(task)["answers"]) == 1


def test_its_clock_runs_on(story: Story) -> None:
    story.tell_manager_when_due()
    story.assign("T-7", due_at=(timezone.now() + timedelta(hours=1)).isoformat())
    story.answer(story.bob, "approve", task_id="T-7", via=Via.INBOX)
    assert Escalation.objects.get(task__task_id="T-7").state != EscalationState.RUNNING

    take_back(story.copy(story.bob, "T-7"), timezone.now())

    assert Escalation.objects.get(task__task_id="T-7").state == EscalationState.RUNNING


def test_without_javascript_a_button_takes_it_back(story: Story) -> None:
    browser = signed_in(story.bob)
    page = get(browser, "/").press("Approve")
    assert "Approved. Invoices gets it in a moment." in page.text

    page = page.press("Undo")

    assert page.url == f"/n/{story.copy(story.bob).pk}"
    assert "Approve" in page.buttons()
    assert "Bob answered “Approve” and took it back" in page.part("history")
    assert story.copy(story.bob).state == NotificationState.OPEN
    get(browser, "/").press("Approve")
    deliver(timezone.now())
    late = browser.post(f"/n/{story.copy(story.bob).pk}/undo", follow=True)
    assert late.status_code == 403  # a page of another site


def test_too_late_is_said(story: Story) -> None:
    page = get(signed_in(story.bob), "/").press("Approve")
    deliver(timezone.now())

    assert "Too late: your answer has been sent." in page.press("Undo").text


def test_by_the_api(story: Story) -> None:
    story.answer(story.bob, "approve", via=Via.INBOX)
    browser = signed_in(story.bob)
    browser.handler.enforce_csrf_checks = False
    address = f"/api/v1/notifications/{story.copy(story.bob).pk}/responses"

    assert signed_in(story.carol).delete(address).status_code in (403, 404)
    assert browser.delete(address).status_code == 204
    late = browser.delete(address)
    assert (late.status_code, late.json()["code"]) == (409, "too_late")
    assert browser.delete(f"/api/v1/notifications/{story.engine.slug}/responses").status_code == 404
