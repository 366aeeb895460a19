"""A new password by e-mail: for its owner only, once, and never in place of a second factor."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone
from lxml import html

from notifications.models import Recipient
from notifications.people import revocation
from notifications.second_factors import mails, password_requests
from notifications.second_factors.models import PasswordRequest, SecurityMail, SignInRules
from notifications.second_factors.tests.factors import code, give_code, give_password, is_signed_in
from notifications.sign_on.models import SignInRecord
from tests.factories import PASSWORD, RecipientFactory, UserFactory
from tests.inbox.browser import Page, get

pytestmark = pytest.mark.django_db

NEW = "a short swim in the lake"


@pytest.fixture(autouse=True)
def _bob_has_an_address(bob: Recipient) -> None:
    bob.user.email = "bob@acme.example"
    bob.user.save()


def ask(name: str, **more: Any) -> Any:
    """Somebody asks for a new password, and the worker answers."""
    response = Client(headers={"User-Agent": "Firefox of the tests"}).post("/password/new", {"name": name}, **more)
    password_requests.drain()
    mails.drain()
    return response


def link() -> str:
    """The path of the link in the newest mail."""
    (path,) = set(re.findall(r"http://127\.0\.0\.1:\d+(/password/link/[\w.-]+)", str(mail.outbox[-1].body)))
    return str(path)


def choose(path: str, password: str = NEW, browser: Client | None = None) -> Page:
    return get(browser or Client(), path).press("Change password", new_password1=password, new_password2=password)


def works(name: str, password: str) -> bool:
    browser = Client()
    browser.post("/sign-in", {"username": name, "password": password})
    return is_signed_in(browser)


# --- the way ----------------------------------------------------------------------------------------------------------
def test_bob_gets_a_link_and_chooses_a_new_password(bob: Recipient) -> None:
    page = get(Client(), "/sign-in").follow("Forgot your password?")
    assert "We email a link" in page.text
    assert "If we know this account" in page.press("Send me a link", name="bob").text
    password_requests.drain()
    mails.drain()
    (sent,) = mail.outbox
    assert sent.to == ["bob@acme.example"] and "bob" in sent.body and "within 30 minutes" in sent.body
    assert not PasswordRequest.objects.exists()
    page = choose(link())
    assert page.url == "/sign-in" and "Your password is changed. Sign in with it." in page.text
    assert works("bob", NEW) and not works("bob", PASSWORD)
    mails.drain()
    assert "Your password was changed" in mail.outbox[-1].subject
    records = SignInRecord.objects.order_by("at")
    assert [(each.outcome, each.code, each.user) for each in records] == [
        ("password", "password_link", bob.user),
        ("password", "password_changed", bob.user),
    ]


def test_the_desk_offers_it_too(root: User) -> None:
    assert "/password/new" in Client().get("/admin/login/?next=/admin/").content.decode()
    ask("root@acme.example")
    choose(link())
    assert works("root", NEW)


def test_other_sessions_end(bob: Recipient) -> None:
    own = Client()
    give_password(own, "bob")
    assert own.get("/settings").status_code == 200
    ask("bob")
    choose(link())
    assert own.get("/settings").status_code == 302


def test_a_bad_password_is_explained_and_the_link_still_works(bob: Recipient) -> None:
    ask("bob")
    page = choose(link(), "12345")
    assert page.status == 422 and "too short" in page.text
    assert choose(link()).url == "/sign-in"


def test_every_new_password_is_told_its_owner(browser: Client, bob: Recipient, root: User) -> None:
    give_password(browser, "bob")
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert browser.post("/password", fields).status_code == 302
    desk = Client()
    desk.post("/admin/login/", {"username": "root", "password": PASSWORD})
    fields = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert desk.post(f"/admin/auth/user/{bob.user.pk}/password/", fields).status_code == 302
    rows = SecurityMail.objects.order_by("created_at").values_list("kind", "user", "name")
    assert list(rows) == [("password_changed", bob.user.pk, ""), ("password_by_desk", bob.user.pk, "root")]
    mails.drain()
    assert "root set it at the desk." in str(mail.outbox[-1].body)


# --- a link counts once, for its account as it was ------------------------------------------------------------------
def test_a_link_counts_once(bob: Recipient) -> None:
    ask("bob")
    path = link()
    choose(path)
    response = Client().post(path, {"new_password1": "something else entirely", "new_password2": "x"})
    assert response.status_code == 410 and "This link has ended" in response.content.decode()
    assert works("bob", NEW)


@pytest.mark.parametrize(
    "change",
    [
        lambda bob: User.objects.filter(pk=bob.user.pk).update(email="new.bob@acme.example"),
        lambda bob: User.objects.filter(pk=bob.user.pk).update(is_active=False),
        lambda bob: Recipient.objects.filter(pk=bob.pk).update(active=False),
        lambda bob: UserFactory(username="other", email="BOB@acme.example"),
        lambda bob: give_password(Client(), "bob"),
        lambda bob: revocation.sign_out_everywhere(bob.user, timezone.now(), revocation.devices.SIGNED_OUT_BY_DESK),
        lambda bob: SignInRules.objects.create(providers_only=True),
        lambda bob: bob.user.delete(),
    ],
    ids=["address", "closed", "left", "shared", "signed in", "signed out", "providers only", "deleted"],
)
def test_a_link_ends_when_the_account_changes(bob: Recipient, change: Any) -> None:
    ask("bob")
    path = link()
    change(bob)
    browser = Client()
    assert browser.get(path).status_code == 410
    assert browser.post(path, {"new_password1": NEW, "new_password2": NEW}).status_code == 410


def test_a_link_ends_after_half_an_hour(bob: Recipient) -> None:
    ask("bob")
    path = link()
    with time_machine.travel(timezone.now() + timedelta(minutes=29)):
        assert Client().get(path).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert Client().get(path).status_code == 410


def test_a_token_is_of_one_account(bob: Recipient, root: User) -> None:
    ask("bob")
    other = link().replace("/link/", "/link/x").partition("x")[2].partition(".")[2]
    for path in (f"/password/link/{root.pk}.{other}", "/password/link/.", "/password/link/zz", f"{link()}x"):
        assert Client().get(path).status_code == 410, path


def test_the_link_leads_to_our_own_address_whatever_the_request_says(bob: Recipient) -> None:
    response = ask("bob", HTTP_HOST="evil.example")
    assert response.status_code == 400 and not PasswordRequest.objects.exists()
    ask("bob", HTTP_X_FORWARDED_HOST="evil.example", HTTP_ORIGIN="http://testserver")
    assert "evil" not in str(mail.outbox[-1].body) and link()


# --- nobody is in who should not be -----------------------------------------------------------------------------------
def test_a_second_factor_is_asked_for_as_ever(bob: Recipient, secret: str) -> None:
    ask("bob")
    browser = Client()
    choose(link(), browser=browser)
    assert not is_signed_in(browser)
    response = browser.post("/sign-in", {"username": "bob", "password": NEW})
    assert response["Location"] == "/sign-in/factor" and not is_signed_in(browser)
    give_code(browser, code(secret))
    assert is_signed_in(browser)


@pytest.mark.parametrize("name", ["nobody", "nobody@acme.example", "bob@acme.example\u200b", "BOB", "böb@acme.example"])
def test_unknown_names_read_the_same_and_get_nothing(bob: Recipient, name: str) -> None:
    known, unknown = ask("bob"), ask(name)
    pages = [html.fromstring(each.content).text_content() for each in (known, unknown)]
    assert pages[0] == pages[1] and known.status_code == unknown.status_code == 200
    assert len(mail.outbox) == 1


def test_known_and_unknown_names_cost_the_same(bob: Recipient, django_assert_num_queries: Any) -> None:
    """The page stores the name, and looks up nobody."""
    with django_assert_num_queries(3):
        Client().post("/password/new", {"name": "bob"})
    with django_assert_num_queries(3):
        Client().post("/password/new", {"name": "nobody"})


def test_an_address_of_letters_that_look_alike_gets_no_link_and_the_stored_one_is_used(bob: Recipient) -> None:
    User.objects.filter(pk=bob.user.pk).update(email="mike@acme.example")
    ask("m\u0131ke@acme.example")  # a dotless i, which some rules of case make an i
    assert mail.outbox == []
    ask("MIKE@ACME.example")
    assert mail.outbox[-1].to == ["mike@acme.example"]


def test_an_address_that_an_engine_has_set_does_not_count(bob: Recipient) -> None:
    Recipient.objects.filter(pk=bob.pk).update(email="evil@engine.example", email_verified=True)
    ask("evil@engine.example")
    assert mail.outbox == []
    ask("bob")
    assert mail.outbox[-1].to == ["bob@acme.example"]


def test_two_accounts_with_one_address_get_no_link(bob: Recipient) -> None:
    UserFactory(username="old.bob", email="Bob@acme.example")
    for name in ("bob@acme.example", "old.bob"):
        SecurityMail.objects.all().delete()
        ask(name)
        assert mail.outbox[-1].subject == "No new password by e-mail" and "/password/link" not in mail.outbox[-1].body
    User.objects.filter(username="old.bob").update(is_active=False)
    SecurityMail.objects.all().delete()
    ask("bob@acme.example")
    choose(link())
    assert works("bob", NEW) and not works("old.bob", NEW)


def test_closed_accounts_get_nothing(bob: Recipient) -> None:
    Recipient.objects.filter(pk=bob.pk).update(active=False)
    ask("bob")
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    ask("bob")
    assert mail.outbox == [] and not SignInRecord.objects.exists()


def test_an_account_that_is_closed_before_the_mail_leaves_gets_none(bob: Recipient) -> None:
    Client().post("/password/new", {"name": "bob"})
    password_requests.drain()
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    mails.drain()
    assert mail.outbox == []


def test_people_of_a_provider_are_told_to_sign_in_there(bob: Recipient, root: User) -> None:
    bob.user.set_unusable_password()
    bob.user.save()
    ask("bob")
    assert mail.outbox[-1].subject == "Your account has no password here"
    rules = SignInRules.objects.create(providers_only=True)
    rules.emergency_accounts.add(root)
    UserFactory(username="carl", email="carl@acme.example")
    ask("carl")
    assert mail.outbox[-1].to == ["carl@acme.example"] and "/password/link" not in mail.outbox[-1].body
    ask("root")
    assert mail.outbox[-1].to == ["root@acme.example"] and link()


def test_people_without_an_account_get_nothing() -> None:
    RecipientFactory(ref="erin", email="erin@example.com", email_verified=True)
    ask("erin@example.com")
    assert mail.outbox == []


# --- limits -----------------------------------------------------------------------------------------------------------
def test_one_account_gets_three_mails_an_hour(bob: Recipient) -> None:
    ask("bob")
    ask("bob")
    assert len(mail.outbox) == 1, "One a minute."
    for minutes in (2, 4, 6, 8):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            ask("bob@acme.example")
    assert len(mail.outbox) == 3


def test_one_network_address_asks_twenty_times_an_hour(bob: Recipient) -> None:
    answers = [ask("nobody", REMOTE_ADDR="203.0.113.9").status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]
    assert ask("bob").status_code == 200
