"""People change their own password: everything else that is signed in ends, except the browser in use."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory
from django.utils import timezone

from notifications.inbox import consumers
from notifications.inbox.sign_in.passwords import OwnPasswordForm
from notifications.models import Device, Recipient, RecipientToken, SignInLink
from notifications.people import devices, revocation
from notifications.types import NewAddress
from tests.factories import PASSWORD, RecipientFactory, UserFactory, sign_in_link
from tests.inbox.browser import Page, get, signed_in
from tests.inbox.test_guessing import HOME, LOCKED, NOON, RIGHT, WRONG, guess, sign_in
from tests.inbox.test_sign_out_devices import browser_device, press, shown_on
from tests.support.api import Caller, is_problem, person_caller
from tests.support.length import some
from tests.support.story import Story

pytestmark = pytest.mark.django_db
NEW = "another long walk"
SOON = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def change(browser: Client, old: str = PASSWORD, new: str = NEW, again: str = "") -> Page:
    page = get(browser, "/").follow("Password")
    return page.press("Change password", old_password=old, new_password1=new, new_password2=again or new)


def desk_change(browser: Client, old: str = PASSWORD, new: str = NEW) -> int:
    fields = {"old_password": old, "new_password1": new, "new_password2": new}
    return browser.post("/admin/password_change/", fields).status_code


def user_of(person: Recipient) -> User:
    return User.objects.get(pk=person.user_id)


def administrator() -> tuple[Recipient, Client]:
    olga = RecipientFactory(ref="olga", user=UserFactory(username="olga", is_staff=True, is_superuser=True))
    browser = signed_in(olga)
    browser.handler.enforce_csrf_checks = False
    return olga, browser


def test_a_person_gives_themselves_a_new_password(story: Story) -> None:
    browser = signed_in(story.bob)
    page = change(browser)

    assert page.status == 200
    assert "Your password is changed, and you are signed out everywhere else." in page.text
    assert user_of(story.bob).check_password(NEW)
    assert get(browser, "/").part("waiting-heading"), "still signed in"
    assert sign_in("bob") == 422
    assert Client().post("/sign-in", {"username": "bob", "password": NEW}).status_code == 302


def test_the_page_says_beforehand_what_is_asked_and_what_ends(story: Story) -> None:
    page = get(signed_in(story.bob), "/password")

    assert "at least 10 characters" in page.part("rules")
    assert "All other browsers and apps are signed out at once" in page.text
    assert "This browser stays signed in." in page.text
    assert "signs out all browsers" not in page.text


def test_the_rules_are_said_in_german(story: Story) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(locale="de")
    page = get(signed_in(story.bob), "/password")

    assert "mindestens 10 Zeichen" in page.part("rules")
    assert "Alle anderen Browser und Apps" in page.text


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    some(
        [
            ("not mine at all", NEW, NEW, "This is not your password."),
            ("", NEW, NEW, "Enter your password."),
            (PASSWORD, "tiny", "tiny", "at least 10 characters"),
            (PASSWORD, "8392017465", "8392017465", "entirely numeric"),
            (PASSWORD, "qwertyuiop", "qwertyuiop", "too common"),
            (PASSWORD, NEW, "another short walk", "The passwords do not match."),
            (PASSWORD, "", "", "Enter a new password."),
        ],
        3,
    ),
)
def test_nothing_changes_with_a_wrong_old_or_a_weak_new_one(
    story: Story, old: str, new: str, again: str, said: str
) -> None:
    browser = signed_in(story.bob)
    phone = browser_device(story.bob, browser)
    before = user_of(story.bob).password
    page = change(browser, old, new, again)

    assert page.status == WRONG
    assert said in page.text
    assert user_of(story.bob).password == before
    assert Device.objects.get() == phone
    typed = [part for part in (old, new, again) if part and part in page.response.content.decode()]
    assert not typed, "nothing that was typed comes back"


def test_guesses_at_the_old_one_are_bounded_as_at_the_sign_in_page(story: Story, clock: time_machine.Traveller) -> None:
    browser = signed_in(story.bob)
    tries = [change(browser, f"guess {number}") for number in range(7)]

    assert [page.status for page in tries] == [WRONG] * 5 + [LOCKED] * 2
    assert "Wait 1 minute, then try again." in tries[-1].text
    assert tries[-1].response["Retry-After"] == "60"
    assert change(browser).status == LOCKED, "even with the right one"
    assert sign_in("bob", "127.0.0.1") == LOCKED, "the doors count together"
    clock.shift(MINUTE)
    assert change(browser).status == 200
    assert user_of(story.bob).check_password(NEW)


def test_guesses_at_the_sign_in_page_count_here(story: Story, clock: object) -> None:
    for _ in range(5):
        guess("bob", "127.0.0.1")

    assert change(signed_in(story.bob)).status == LOCKED


def test_success_forgets_ones_own_failures_only(story: Story, clock: object) -> None:
    browser = signed_in(story.bob)
    for number in range(4):
        change(browser, f"guess {number}")
        guess("carol", "127.0.0.1")
    assert change(browser).status == 200

    assert [change(browser, f"guess {number}").status for number in range(5)] == [WRONG] * 5
    assert [guess("carol", "127.0.0.1") for _ in range(2)] == [LOCKED] * 2


def test_guesses_at_the_desks_page_are_bounded_too(story: Story, clock: object) -> None:
    _olga, browser = administrator()

    assert [desk_change(browser, f"guess {number}") for number in range(7)] == [200] * 5 + [LOCKED] * 2


def everything_of(person: Recipient) -> tuple[Client, Caller, Device, str, str]:
    """Another browser of theirs, an app's token, their phone, what it shows, and a link."""
    elsewhere, app = signed_in(person), person_caller(person)
    token = RecipientToken.objects.get(recipient=person)
    new = NewAddress("fcm", "phone", "token", "acme")
    phone = devices.register(person, new, name="App on Android", token=token, now=timezone.now())[0]
    browser_device(person, elsewhere, 2)
    link = sign_in_link(person, expires_at=timezone.now() + SOON)
    return elsewhere, app, phone, shown_on(phone), link


@pytest.mark.parametrize("door", ["inbox", "desk"])
def test_all_else_ends_and_this_browser_goes_on(story: Story, door: str) -> None:
    person, here = administrator()
    elsewhere, app, phone, on_phone, link = everything_of(person)
    device = browser_device(person, here)
    on_screen, before = shown_on(device), here.session.session_key
    if door == "inbox":
        assert change(here).status == 200
    else:
        assert desk_change(here) == RIGHT

    assert elsewhere.get("/").status_code == 302
    assert app.get("/api/v1/notifications").status_code == 401
    assert is_problem(press(on_phone), 410, "expired")
    assert not SignInLink.objects.filter(expires_at__gt=timezone.now()).exists(), link

    assert here.get("/").status_code == 200
    assert here.session.session_key != before, "a copy of the cookie is worth nothing"
    left = Device.objects.get(recipient=person)
    assert left == device != phone
    assert left.session == devices.session_digest(here.session.session_key)
    assert press(on_screen).status_code == 201  # type: ignore[attr-defined]
    assert "this browser" in get(here, "/devices").text


def test_signing_out_afterwards_still_ends_the_browsers_messages(story: Story) -> None:
    browser = signed_in(story.bob)
    on_screen = shown_on(browser_device(story.bob, browser))
    change(browser)
    get(browser, "/").press("Sign out")

    assert not Device.objects.exists()
    assert is_problem(press(on_screen), 410, "expired")


def test_open_pages_of_this_browser_come_back_and_others_do_not(story: Story) -> None:
    here, elsewhere = signed_in(story.bob), signed_in(story.bob)
    copied = {"sessionid": here.cookies["sessionid"].value}
    change(here)

    assert consumers.recipient_of_cookies({"sessionid": here.cookies["sessionid"].value}) == story.bob
    for cookies in (copied, {"sessionid": elsewhere.cookies["sessionid"].value}):
        assert consumers.recipient_of_cookies(cookies) is None


def asked(browser: Client, new: str) -> OwnPasswordForm:
    """The form of a request that has got as far as its change."""
    request = RequestFactory().post("/password")
    request.session = SessionStore(browser.session.session_key)
    request.user = get_user(request)
    form = OwnPasswordForm(
        request.user, {"old_password": PASSWORD, "new_password1": new, "new_password2": new}, request=request
    )
    assert form.is_valid()
    return form


def test_of_two_presses_at_once_the_first_counts_and_its_browser_goes_on(story: Story) -> None:
    browser = signed_in(story.bob)
    device = browser_device(story.bob, browser)
    first, second = asked(browser, NEW), asked(browser, "another short walk")
    first.save()
    second.save()

    assert user_of(story.bob).check_password(NEW)
    assert (first.overtaken, second.overtaken) == (False, True)
    device.refresh_from_db()
    assert device.session == devices.session_digest(first.request.session.session_key)


def test_it_ends_nothing_of_others(story: Story) -> None:
    carol = signed_in(story.carol)
    theirs = browser_device(story.carol, carol, 2)
    change(signed_in(story.bob))

    assert Device.objects.get() == theirs
    assert carol.get("/").status_code == 200


def test_the_browser_is_known_from_then_on(story: Story, clock: object) -> None:
    browser = signed_in(story.bob)
    change(browser)
    for number in range(25):
        guess("bob", f"198.51.100.{number + 1}")
    browser.cookies.pop("sessionid")
    browser.handler.enforce_csrf_checks = False

    assert browser.post("/sign-in", {"username": "bob", "password": NEW}, REMOTE_ADDR=HOME).status_code == RIGHT


def test_who_has_no_password_has_no_such_page(story: Story) -> None:
    erin = RecipientFactory(ref="C-9", engine=story.engine, user=None)
    outside = Client()
    outside.post(f"/link/{sign_in_link(erin, expires_at=timezone.now() + SOON)}")
    user = user_of(story.carol)
    user.set_unusable_password()
    user.save()
    inside = signed_in(Recipient.objects.get(pk=story.carol.pk))

    for browser in (outside, inside):
        assert browser.get("/").status_code == 200
        assert "/password" not in browser.get("/").content.decode()
        assert browser.get("/password").status_code == 404
        assert get(browser, "/devices").status == 200
    assert Client().get("/password")["Location"] == "/sign-in?next=%2Fpassword"


def test_an_administrators_own_password_is_asked_for_everywhere_on_the_desk(story: Story) -> None:
    olga, browser = administrator()
    address = f"/admin/auth/user/{olga.user_id}/password/"

    assert browser.get(address)["Location"] == "/admin/password_change/"
    browser.post(address, {"usable_password": "true", "password1": NEW, "password2": NEW})
    assert user_of(olga).check_password(PASSWORD)


def test_who_was_let_in_again_comes_in_by_a_link(story: Story) -> None:
    """The session of an account that was closed once is compared with more than the password."""
    User.objects.filter(pk=story.bob.user_id).update(is_active=False)
    revocation.sweep(timezone.now())
    User.objects.filter(pk=story.bob.user_id).update(is_active=True)
    revocation.sweep(timezone.now())
    browser = Client()
    browser.post(f"/link/{sign_in_link(story.bob, expires_at=timezone.now() + SOON)}")

    assert browser.get("/").status_code == 200
