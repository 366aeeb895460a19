"""“Where you are signed in”: the list of one's own browsers, and ending one or all others."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from notifications.models import Device, Recipient, RecipientToken
from notifications.people import devices, recipient_tokens, revocation
from notifications.second_factors import sessions
from notifications.second_factors.models import BrowserSession
from notifications.second_factors.tests.factors import give_password
from notifications.sign_on.models import SignInRecord
from notifications.types import NewAddress
from tests.factories import PASSWORD, RecipientFactory, UserFactory
from tests.inbox.browser import Page, get, signed_in

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"


@pytest.fixture
def desk(bob: Recipient) -> Client:
    """Bob's browser at work, in which he looks."""
    browser = Client(headers={"User-Agent": FIREFOX})
    give_password(browser, "bob")
    return browser


@pytest.fixture
def phone(bob: Recipient) -> Client:
    browser = Client(headers={"User-Agent": IPHONE}, REMOTE_ADDR="203.0.113.7")
    give_password(browser, "bob")
    return browser


def names(browser: Client) -> list[str]:
    page = get(browser, "/security/sessions")
    return [" ".join(each.text_content().split()) for each in page.tree.xpath("//*[@class='device-name']")]


def digest_of(browser: Client) -> str:
    return devices.session_digest(browser.session.session_key)


def is_in(browser: Client) -> bool:
    return browser.get("/settings").status_code == 200


def sign_out_there(browser: Client) -> Page:
    return get(browser, "/security/sessions").press("Sign out there: Safari on iPhone")


def test_the_menu_leads_to_a_list_with_this_browser_first(desk: Client, phone: Client) -> None:
    page = get(desk, "/settings").follow("Where you are signed in")
    assert names(desk) == ["Firefox on Linux this browser", "Safari on iPhone"]
    assert "last from 203.0.113.7" in page.text and "Last used" in page.text


def test_a_browser_is_signed_out_with_its_device(desk: Client, phone: Client, bob: Recipient) -> None:
    there, here = digest_of(phone), digest_of(desk)
    for number, session in enumerate((there, here)):
        address = NewAddress("webpush", f"https://push.example/{number}", "endpoint", "BSender")
        devices.register(bob, address, name="Safari", session=session, now=timezone.now())
    page = sign_out_there(desk)
    assert "That browser is signed out." in page.text
    assert names(desk) == ["Firefox on Linux this browser"]
    assert not is_in(phone) and is_in(desk)
    assert [device.session for device in Device.objects.all()] == [here]
    assert (SignInRecord.objects.get().outcome, SignInRecord.objects.get().code) == ("ended", "session_ended")


def test_everywhere_else_ends_apps_and_unlisted_sessions_too(desk: Client, phone: Client, bob: Recipient) -> None:
    recipient_tokens.new_token(bob, label="phone", now=timezone.now())
    unlisted = signed_in(bob)
    page = get(desk, "/security/sessions").press("Sign out everywhere else")
    assert "You are signed out everywhere else." in page.text
    assert is_in(desk) and not is_in(phone) and not is_in(unlisted)
    assert not RecipientToken.objects.filter(revoked_at=None).exists()
    assert names(desk) == ["Firefox on Linux this browser"]
    assert BrowserSession.objects.get().digest == digest_of(desk)
    again = Client()
    give_password(again, "bob")
    assert is_in(again)


def test_nobody_ends_sessions_of_others(desk: Client, phone: Client) -> None:
    RecipientFactory(ref="eve", user=UserFactory(username="eve"))
    eve = Client()
    give_password(eve, "eve")
    eve.post(f"/security/sessions/{digest_of(phone)}/end")
    assert is_in(phone) and not SignInRecord.objects.exists()
    assert len(names(eve)) == 1


def test_only_a_form_of_ours_ends_sessions(desk: Client, phone: Client) -> None:
    assert desk.get("/security/sessions/end").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = desk.cookies
    assert strict.post("/security/sessions/end").status_code == 403
    assert is_in(phone)


def test_this_browser_is_ended_by_signing_out_only(desk: Client) -> None:
    desk.post(f"/security/sessions/{digest_of(desk)}/end")
    assert is_in(desk)


def test_strangers_see_nothing(desk: Client) -> None:
    assert Client().get("/security/sessions")["Location"] == "/sign-in?next=/security/sessions"
    assert Client().post("/security/sessions/end").status_code == 302
    customer = signed_in(RecipientFactory(ref="erin", user=None))
    assert "Where you are signed in" not in get(customer, "/settings").text


@pytest.mark.parametrize(
    "end",
    [
        lambda phone, bob: phone.post("/sign-out"),
        lambda phone, bob: Session.objects.filter(session_key=phone.session.session_key).update(
            expire_date=timezone.now() - timedelta(seconds=1)
        ),
        lambda phone, bob: phone.post(
            "/password", {"old_password": PASSWORD, "new_password1": "swim " * 3, "new_password2": "swim " * 3}
        ),
    ],
    ids=["signed out", "expired", "new password"],
)
def test_sessions_that_have_ended_are_not_listed(desk: Client, phone: Client, bob: Recipient, end: Any) -> None:
    end(phone, bob)
    listed = names(desk) if is_in(desk) else names(phone)
    assert len(listed) == 1 and listed[0].endswith("this browser")


def test_users_of_the_desk_without_an_inbox_have_it_too(carol: User) -> None:
    browser, other = Client(headers={"User-Agent": FIREFOX}), Client(headers={"User-Agent": IPHONE})
    for each in (browser, other):
        each.post("/admin/login/", {"username": "carol", "password": PASSWORD})
    assert "/security/sessions" in browser.get("/admin/").content.decode()
    assert names(browser) == ["Firefox on Linux this browser", "Safari on iPhone"]
    sign_out_there(browser)
    assert other.get("/admin/").status_code == 302 and browser.get("/admin/").status_code == 200
    browser.post("/security/sessions/end")
    assert browser.get("/admin/").status_code == 200


def test_the_use_of_a_session_is_noted_every_five_minutes(desk: Client, django_assert_num_queries: Any) -> None:
    first = BrowserSession.objects.get().used_at
    desk.get("/security/sessions")
    assert BrowserSession.objects.get().used_at == first
    sessions._noted.clear()  # as in five minutes, or in another process
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        desk.get("/security/sessions")
    assert BrowserSession.objects.get().used_at > first + timedelta(minutes=5)


def test_a_failure_to_note_it_is_no_failure_of_the_page(bob: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "address_of", lambda address: "\x00")  # which PostgreSQL refuses
    browser = Client()
    assert give_password(browser, "bob").status_code == 302 and is_in(browser)
    assert not BrowserSession.objects.exists()
    monkeypatch.undo()
    assert is_in(browser) and BrowserSession.objects.exists()


def test_the_provider_ends_them_all(desk: Client, phone: Client, bob: Recipient) -> None:
    revocation.sign_out_everywhere(bob.user, timezone.now(), devices.SIGNED_OUT_BY_PROVIDER)
    assert not is_in(desk) and not is_in(phone)
    give_password(desk, "bob")
    assert names(desk) == ["Firefox on Linux this browser"]
