from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.inbox.sign_in.signin import local_path
from notifications.models import Recipient, SignInLink
from tests.factories import PASSWORD, BrandFactory, RecipientFactory, sign_in_link
from tests.inbox.browser import Page, get, signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db
SOON = timedelta(hours=1)


def sign_in(client: Client, name: str, password: str = PASSWORD, at: str = "/sign-in") -> Page:
    return get(client, at).press("Sign in", username=name, password=password)


def browser(address: str = "127.0.0.1") -> Client:
    return Client(enforce_csrf_checks=True, REMOTE_ADDR=address)


# --- with a password ------------------------------------------------------------------------------
def test_bob_signs_in_and_is_in_his_inbox(story: Story) -> None:
    page = sign_in(browser(), "bob")

    assert page.url == "/"
    assert "Signed in as Bob" in page.text


def test_a_program_that_signs_out_is_told_so_and_whoever_it_was_is_nobody(story: Story) -> None:
    client = signed_in(story.bob)
    client.handler.enforce_csrf_checks = False

    told = [client.post("/sign-out", HTTP_ACCEPT="application/json") for _ in range(2)]

    assert [(each.status_code, each.json()) for each in told] == [(200, {"signed_out": True})] * 2
    assert client.get("/api/v1/notifications").status_code == 401


def test_strangers_are_led_to_the_sign_in_and_back_to_what_they_wanted(story: Story) -> None:
    story.assign()
    wanted = f"/n/{story.copy(story.bob).pk}"
    client = browser()

    page = get(client, wanted)
    assert page.title == "Sign in · wfpush"

    assert page.press("Sign in", username="bob", password=PASSWORD).url == wanted


@pytest.mark.parametrize("name", ["bob", "nobody", "b" * 5000])
def test_a_wrong_password_is_said_calmly_and_the_same_for_everybody(story: Story, name: str) -> None:
    page = sign_in(browser(), name, "guess")

    assert page.status == 422
    assert "user name or password is wrong" in page.text
    assert PASSWORD not in page.text


def test_empty_fields_are_named(story: Story) -> None:
    page = sign_in(browser(), "", "")

    assert "Enter your name." in page.text
    assert "Enter your password." in page.text


def test_signing_out_ends_the_session_and_nothing_else_does(story: Story) -> None:
    client = browser()
    page = sign_in(client, "bob")

    assert get(client, "/sign-out").url == "/"  # an address that was typed or prefetched
    assert page.press("Sign out").url == "/sign-in"
    assert get(client, "/").url == "/sign-in"


def test_whoever_is_signed_in_is_not_asked_again(story: Story) -> None:
    assert get(signed_in(story.bob), "/sign-in").url == "/"


def test_a_deactivated_person_is_out_at_once(story: Story) -> None:
    client = browser()
    sign_in(client, "bob")
    Recipient.objects.filter(pk=story.bob.pk).update(active=False)

    page = get(client, "/")

    assert page.status == 403
    assert "This account has no inbox" in page.text


def test_an_account_without_an_inbox_is_told_so_and_staff_find_the_desk(db: None) -> None:
    User.objects.create_user("root", password=PASSWORD, is_staff=True)
    client = browser()

    page = sign_in(client, "root")

    assert page.status == 403
    assert page.link("Open the administration") == "/admin/"


def test_nobody_is_sent_elsewhere_by_signing_in(story: Story) -> None:
    page = sign_in(browser(), "bob", at="/sign-in?next=https://evil.example/")

    assert page.url == "/"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/n/1?answer=reject", "/n/1?answer=reject"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("n/1", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_only_paths_of_this_site_are_gone_to(asked: str, given: str) -> None:
    assert local_path(asked) == given


# --- by a link ------------------------------------------------------------------------------------
@pytest.fixture
def erin(story: Story) -> Recipient:
    """A customer, known to the engine only."""
    brand = BrandFactory(slug="acme", name="Acme", contact="+49 89 1234")
    return RecipientFactory(ref="C-9", name="Erin", engine=story.engine, brand=brand, locale="de")


def link_for(person: Recipient, **more: str) -> str:
    return f"/link/{sign_in_link(person, expires_at=timezone.now() + SOON, **more)}"


def test_a_link_opens_a_page_under_the_brand_whose_button_signs_in(erin: Recipient) -> None:
    client = browser()
    page = get(client, link_for(erin))
    assert page.title == "Ihre Seite öffnen · Acme"
    assert "Guten Tag, Erin" in page.text

    page = page.press("Meine Seite öffnen")

    assert page.url == "/"
    assert "Angemeldet als Erin" in page.text
    assert "brand/acme.css" in page.response.content.decode()


def test_looking_at_a_link_fifty_times_uses_nothing_up(erin: Recipient) -> None:
    address = link_for(erin)

    for number in range(50):
        client = Client()
        assert (client.head if number % 2 else client.get)(address).status_code == 200
        assert "sessionid" not in client.cookies

    assert SignInLink.objects.get().used_at is None


def test_a_link_works_once_and_opens_again_where_it_was_used(erin: Recipient) -> None:
    address = link_for(erin)
    first, late = browser(), browser()
    page, late_page = get(first, address), get(late, address)

    page.press("Meine Seite öffnen")
    late_page = late_page.press("Meine Seite öffnen")

    assert late_page.status == 410
    assert "schon benutzt" in late_page.text
    assert "+49 89 1234" in late_page.text
    assert "sessionid" not in late.cookies
    assert get(first, address).url == "/"  # the button pressed twice, or the way back


def test_a_link_leads_to_where_it_was_made_for_and_nowhere_else(story: Story, erin: Recipient) -> None:
    story.happen("case.status_changed", {"case": {"id": "1", "status": "submitted"}, "recipients": ["C-9"]})
    item = f"/n/{story.inbox(erin)[0].pk}"

    assert get(browser(), link_for(erin, next=item)).press("Meine Seite öffnen").url == item
    assert get(browser(), link_for(erin, next="//evil.example")).press("Meine Seite öffnen").url == "/"


def test_deactivation_ends_links_and_sessions(erin: Recipient) -> None:
    client, unused = browser(), link_for(erin)
    get(client, link_for(erin)).press("Meine Seite öffnen")
    Recipient.objects.filter(pk=erin.pk).update(active=False)

    assert get(client, "/").url == "/sign-in"
    assert get(browser(), unused).status == 410


def test_people_with_an_account_may_use_a_link_unless_they_are_staff(story: Story) -> None:
    assert "Signed in as Bob" in get(browser(), link_for(story.bob)).press("Open my inbox").text

    User.objects.filter(username="carol").update(is_staff=True)
    assert get(browser(), link_for(story.carol)).status == 410


def test_a_link_ends_the_session_of_whoever_was_there_before(story: Story, erin: Recipient) -> None:
    client = signed_in(story.bob)
    before = client.cookies["sessionid"].value

    page = get(client, link_for(erin)).press("Meine Seite öffnen")

    assert "Angemeldet als Erin" in page.text
    assert client.cookies["sessionid"].value != before


def test_another_site_cannot_sign_anybody_in_by_a_link_of_its_own(erin: Recipient) -> None:
    assert browser().post(link_for(erin)).status_code == 403
    assert SignInLink.objects.get().used_at is None


# --- languages ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("de", "Wartet auf Sie"),
        ("de-AT", "Wartet auf Sie"),
        ("fr-CA", "En attente de vous"),
        ("es", "Pendiente de usted"),
        ("it", "Waiting for you"),
    ],
)
def test_people_are_spoken_to_in_their_language(story: Story, locale: str, words: str) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(locale=locale)

    response = signed_in(story.bob).get("/", headers={"Accept-Language": "en"})

    assert words in response.content.decode()


def test_a_language_chosen_in_the_footer_wins(story: Story) -> None:
    client = signed_in(story.bob)

    page = get(client, "/").press("Deutsch")

    assert (page.url, page.part("waiting-heading")) == ("/", "Wartet auf Sie")
    assert page.press("English").part("waiting-heading") == "Waiting for you"


def test_strangers_are_spoken_to_as_their_browser_asks(db: None) -> None:
    response = Client().get("/sign-in", headers={"Accept-Language": "de-CH,fr;q=0.8"})

    assert "Anmelden" in response.content.decode()
    assert response["Content-Language"] == "de"
