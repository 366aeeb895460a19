"""Answering, reading and following as plain forms: a press, a redirect, a page that says what happened."""

from typing import Any

import pytest
from django.utils import timezone

from notifications.engines.callback_results import engine_has_it
from notifications.models import CallbackState, Notification, Response
from notifications.reasons import NOTHING, said
from tests.inbox.browser import Page, get, signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(story: Story) -> Story:
    """An invoice that Bob or Carol may approve."""
    story.assign(candidates=["bob", "carol"])
    return story


def item(story: Story, person: Any, query: str = "") -> Page:
    return get(signed_in(person), f"/n/{story.copy(person).pk}{query}")


def test_bob_approves_from_the_list_and_reads_on_where_he_was(shared: Story) -> None:
    page = get(signed_in(shared.bob), "/").press("Approve")

    assert page.response.redirect_chain == [(f"/#n-{shared.copy(shared.bob).pk}", 302)]  # type: ignore[attr-defined]
    assert "Approved. Invoices has not confirmed it yet." in page.part("done")
    assert page.part("nothing-waiting") == "Nothing is waiting for you. Show what is done"
    answer = Response.objects.get()
    assert (answer.action, answer.via, answer.comment) == ("approve", "inbox", "")


def test_the_engines_word_is_a_look_away(shared: Story) -> None:
    page = item(shared, shared.bob).press("Approve")
    assert page.part("outcome") == "Approved. Invoices has not confirmed it yet."

    engine_has_it(Response.objects.get().pk, CallbackState.DELIVERED, NOTHING, timezone.now())

    page = page.follow("Look again")
    assert page.part("outcome") == "Approved. Invoices has it."
    assert page.buttons() == []


def test_carol_reads_that_bob_was_first_also_when_she_had_the_page_open(shared: Story) -> None:
    page = item(shared, shared.carol)
    shared.answer(shared.bob, "approve")

    page = page.press("Approve")

    assert page.part("outcome").startswith("Already approved by Bob at ")
    assert page.buttons() == []
    assert Response.objects.count() == 1


def test_what_carol_wrote_meanwhile_stays_on_the_page(shared: Story) -> None:
    page = item(shared, shared.carol, "?answer=reject")
    shared.answer(shared.bob, "approve")

    page = page.press("Reject", comment="Twelve pieces, not eleven.")

    assert page.status == 409
    assert page.part("outcome").startswith("Already approved by Bob at ")
    assert page.part("unsent") == "Your comment was not sent: Twelve pieces, not eleven."
    assert page.buttons() == []


def test_a_comment_may_go_with_an_approval(shared: Story) -> None:
    item(shared, shared.bob).press("Approve", comment="  Paid from\r\nthe other budget. ")

    assert Response.objects.get().comment == "Paid from\nthe other budget."


def test_rejecting_asks_why_first(shared: Story) -> None:
    page = get(signed_in(shared.bob), "/").follow("Reject…")
    assert "Why do you reject this?" in page.part("answer")

    page = page.press("Reject", comment="   ")
    assert page.status == 422
    assert "Write a comment first." in page.part("fault")
    assert not Response.objects.exists()

    page = page.press("Reject", comment="Twelve pieces, not eleven.")
    assert page.part("outcome") == "Rejected. Invoices has not confirmed it yet."
    assert Response.objects.get().comment == "Twelve pieces, not eleven."


def test_a_comment_that_is_too_long_stays_on_the_page(shared: Story) -> None:
    page = item(shared, shared.bob, "?answer=reject").press("Reject", comment="x" * 4001)

    assert page.status == 422
    assert "Shorten it to 4,000 characters." in page.part("fault")
    assert page.tree.findtext(".//textarea[@name='comment']") == "x" * 4001


def test_cancelling_leads_back_to_all_answers(shared: Story) -> None:
    page = item(shared, shared.bob, "?answer=reject").follow("Cancel")

    assert "Approve" in page.buttons()


def test_asking_for_information_leaves_the_answers_open(shared: Story) -> None:
    page = item(shared, shared.bob).follow("Ask for information…")
    assert "What do you need to know?" in page.part("answer")

    page = page.press("Ask for information", comment="Which cost centre?")

    assert page.part("outcome").endswith(". Invoices has not confirmed it yet.")
    assert "Approve" in page.buttons()
    assert "Which cost centre?" in page.text


def test_an_answer_that_is_not_offered_is_refused_calmly(shared: Story) -> None:
    page = item(shared, shared.bob)
    Notification.objects.update(actions=[])

    page = page.press("Approve")

    assert "You cannot give this answer. Nothing was sent." in page.text
    assert not Response.objects.exists()


def test_a_reopened_item_says_why_and_can_be_answered_again(shared: Story) -> None:
    item(shared, shared.bob).press("Approve")
    engine_has_it(Response.objects.get().pk, CallbackState.REFUSED, said("The budget is used up"), timezone.now())

    page = item(shared, shared.bob)
    assert page.part("outcome") == "Invoices refused it: The budget is used up. You can answer again."

    assert page.press("Approve").part("outcome") == "Approved. Invoices has not confirmed it yet."
    assert Response.objects.count() == 2


def test_a_form_that_was_open_while_the_session_ended_leads_back_to_the_item(shared: Story) -> None:
    page = item(shared, shared.bob)
    page.client.logout()
    page.client.handler.enforce_csrf_checks = False

    page = page.press("Approve")

    assert page.url == "/sign-in"
    assert f"/n/{shared.copy(shared.bob).pk}" in page.tree.xpath("//main//input[@name='next']/@value")
    assert not Response.objects.exists()


def test_another_site_cannot_answer(shared: Story) -> None:
    response = signed_in(shared.bob).post(f"/n/{shared.copy(shared.bob).pk}/answer", {"action": "approve"})

    assert response.status_code == 403
    assert "This did not go through" in response.content.decode()
    assert not Response.objects.exists()


def test_one_item_is_marked_as_read(shared: Story) -> None:
    page = item(shared, shared.bob).press("Mark as read")

    assert shared.copy(shared.bob).read_at is not None
    assert "Mark as read" not in page.text
    assert page.title == "Approve invoice 4711 · wfpush"


def test_everything_that_was_shown_is_marked_as_read_and_nothing_newer(shared: Story) -> None:
    page = get(signed_in(shared.bob), "/")
    update = {"case": {"id": "88", "status": "submitted"}, "recipients": ["bob"]}
    shared.happen("case.status_changed", update)
    page = get(page.client, "/")
    shared.happen("case.status_changed", {**update, "case": {"id": "88", "status": "approved"}})

    page = page.press("Mark all as read")

    unread = [each.title for each in shared.inbox(shared.bob) if each.read_at is None]
    assert len(unread) == 1
    assert page.title.startswith("(1) ")


@pytest.mark.parametrize("up_to", ["", "-1", "1.5", "9" * 30])
def test_a_number_that_is_none_is_nothing_here(shared: Story, up_to: str) -> None:
    client = signed_in(shared.bob)
    client.handler.enforce_csrf_checks = False

    assert client.post("/read", {"up_to": up_to}).status_code == 404


def test_bob_follows_the_case_until_he_does_no_longer(shared: Story) -> None:
    page = item(shared, shared.bob).press("Follow this case")
    assert list(shared.copy(shared.bob).case.followers.all()) == [shared.bob]  # type: ignore[union-attr]

    page = page.press("Stop following this case")
    assert "Follow this case" in page.text
    assert not shared.copy(shared.bob).case.followers.exists()  # type: ignore[union-attr]


def test_a_case_one_has_never_heard_of_cannot_be_followed(shared: Story) -> None:
    client = signed_in(shared.alice)
    client.handler.enforce_csrf_checks = False
    case = shared.copy(shared.bob).case

    assert client.post(f"/cases/{case.pk}/follow", {"follow": "1"}).status_code == 404  # type: ignore[union-attr]
