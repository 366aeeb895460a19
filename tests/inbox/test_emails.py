"""The page that an e-mail's link opens."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import ActionToken, Notification, Recipient, Response
from tests.factories import action_token
from tests.inbox.browser import Page, get, signed_in
from tests.support.length import some
from tests.support.story import Story

pytestmark = pytest.mark.django_db
A_DAY = timedelta(days=1)


@pytest.fixture
def address(story: Story) -> str:
    """Where the link of Bob's e-mail about invoice 4711 leads."""
    story.assign(candidates=["bob", "carol"])
    return f"/a/{action_token(story.copy(story.bob), expires_at=timezone.now() + A_DAY)}"


def opened(address: str) -> Page:
    return get(Client(enforce_csrf_checks=True), address)


def test_the_link_alone_is_enough_to_read(address: str) -> None:
    page = opened(address)

    assert page.title == "Approve invoice 4711 · wfpush"
    assert "For Bob" in page.text
    assert "€1,200.50" in page.text


def test_the_link_alone_is_enough_to_acknowledge(story: Story, address: str) -> None:
    page = opened(address).press("Acknowledge")

    assert page.response.redirect_chain == [(address, 302)]  # type: ignore[attr-defined]
    assert "Acknowledged. Invoices has not confirmed it yet." in page.text
    answer = Response.objects.get()
    assert (answer.recipient, answer.via) == (story.bob, "email")


def test_an_answer_that_ends_the_task_asks_for_the_password(story: Story, address: str) -> None:
    page = opened(address)

    assert [button.text_content() for button in page.tree.iter("button")] == ["Acknowledge"]
    page = page.follow("Sign in to approve")
    assert page.url == "/sign-in"
    assert set(page.tree.xpath("//main//input[@name='next']/@value")) == {f"/n/{story.copy(story.bob).pk}?by=email"}


@pytest.mark.parametrize("action", some(["approve", "reject", "request_info", "no_such_thing", ""], 2))
def test_nothing_else_can_be_forced_through_the_link(address: str, action: str) -> None:
    response = Client(enforce_csrf_checks=True).post(address, {"action": action, "comment": "x"})

    assert (response.status_code, response["Location"]) == (302, address)
    assert not Response.objects.exists()


def test_a_route_may_let_the_link_answer(address: str) -> None:
    Notification.objects.update(answer_from_email=True)
    page = opened(address)
    assert [button.text_content() for button in page.tree.iter("button")] == ["Approve", "Acknowledge"]

    page = page.follow("Reject…").press("Reject", comment="")
    assert page.status == 422
    assert "Write a comment first." in page.part("fault")

    page = page.press("Reject", comment="Twelve pieces, not eleven.")
    assert "Rejected. Invoices has not confirmed it yet." in page.text


def test_the_loser_is_told_who_won(story: Story, address: str) -> None:
    Notification.objects.update(answer_from_email=True)
    page = opened(address)
    story.answer(story.carol, "approve")

    page = page.press("Approve")

    assert "Already approved by Carol at " in page.text
    assert Response.objects.count() == 1


def test_looking_often_changes_nothing_and_tells_nobody_the_address(story: Story, address: str) -> None:
    for number in range(10):
        client = Client()
        response = (client.head if number % 2 else client.get)(address)
        assert response.status_code == 200
        assert response["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response["Cache-Control"]
        assert response["X-Robots-Tag"] == "noindex"

    copy = story.copy(story.bob)
    assert (copy.read_at, copy.seq, Response.objects.count()) == (None, 1, 0)


def test_a_browser_that_hides_where_it_comes_from_is_believed(address: str) -> None:
    """What `no-referrer` makes browsers send with a form."""
    response = Client(enforce_csrf_checks=True).post(address, {"action": "acknowledge"}, headers={"Origin": "null"})

    assert response.status_code == 302
    assert Response.objects.count() == 1


def test_whoever_is_signed_in_is_led_to_the_inbox(story: Story, address: str) -> None:
    page = get(signed_in(story.bob), address)
    assert page.url == f"/n/{story.copy(story.bob).pk}"
    page.press("Mark as read")
    assert story.copy(story.bob).opened_by == "email"
    assert get(signed_in(story.carol), address).url == address


def test_whoever_is_signed_in_as_somebody_else_can_change_that_and_comes_back(story: Story, address: str) -> None:
    page = get(signed_in(story.carol), f"{address}?answer=reject")
    assert "Only Bob can give an answer that ends the task. This browser is signed in as Carol." in page.text

    page = page.follow("Sign in to reject")
    assert page.status == 404
    assert "You are signed in as Carol." in page.text
    assert "4711" not in page.response.content.decode()
    assert "Bob" not in page.response.content.decode()

    page = page.press("Sign in as somebody else")
    assert page.url == "/sign-in"
    username = story.bob.user.get_username()  # type: ignore[union-attr]
    page = page.press("Sign in", username=username, password="a long walk by the sea")

    assert page.url == f"/n/{story.copy(story.bob).pk}"
    assert "Why do you reject this?" in page.part("answer")


def test_somebody_elses_item_reads_the_same_as_one_that_never_was(story: Story, address: str) -> None:
    client = signed_in(story.carol)
    theirs, nothing = f"/n/{story.copy(story.bob).pk}", f"/n/{uuid4()}"

    pages = [get(client, each).text for each in (theirs, nothing)]

    assert pages[0] == pages[1]


def test_the_mails_button_leads_whoever_is_signed_in_to_its_answer(story: Story, address: str) -> None:
    page = get(signed_in(story.bob), f"{address}?answer=reject")

    assert "Why do you reject this?" in page.part("answer")


def test_a_comment_that_came_too_late_stays_on_the_page(story: Story, address: str) -> None:
    Notification.objects.update(answer_from_email=True)
    page = opened(f"{address}?answer=reject")
    story.answer(story.carol, "approve")

    page = Page(page.client, page.client.post(address, {"action": "reject", "comment": "Twelve pieces, not eleven."}))

    assert "Already approved by Carol at " in page.text
    assert page.part("unsent") == "Your comment was not sent: Twelve pieces, not eleven."


def test_the_token_of_a_withdrawn_copy_says_why(story: Story, address: str) -> None:
    story.assign(assignee="carol", minute=1)

    page = opened(address)

    assert page.status == 410
    assert "No longer waiting for you: reassigned to Carol." in page.text
    assert page.link("Open the inbox") == "/"


def test_old_and_invented_links_open_nothing(story: Story, address: str) -> None:
    ActionToken.objects.update(expires_at=timezone.now() - A_DAY)

    for each in (address, "/a/wfa_invented"):
        page = opened(each)
        assert page.status == 410
        assert "It is too old or not valid." in page.text
        assert page.response["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_link_of_somebody_deactivated_opens_nothing(story: Story, address: str, method: str) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(active=False)

    response = getattr(Client(), method)(address, {"action": "acknowledge"})

    assert response.status_code == 410
    assert not Response.objects.exists()


def test_customers_are_led_to_their_portal(story: Story) -> None:
    story.assign(candidates=[{"ref": "C-9", "name": "Erin", "locale": "de"}])
    erin = Recipient.objects.get(ref="C-9")
    address = f"/a/{action_token(story.copy(erin), expires_at=timezone.now() + A_DAY)}"

    page = opened(address)

    assert "öffnen Sie Ihr Portal mit dem Link, den Sie bekommen haben" in page.text
    portal = get(Client(), address + "?language=en").link("I have opened my portal")
    assert portal == f"/n/{story.copy(erin).pk}?by=email"


def test_an_unknown_language_is_not_spoken(address: str) -> None:
    assert "For Bob" in opened(f"{address}?language=tlh").text
