"""Signing in with a password and a second factor: nobody who has one gets in by the password alone."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.models import Recipient
from notifications.people.recipient_tokens import new_link
from notifications.second_factors.tests.factors import (
    add_app,
    code,
    give_code,
    give_password,
    is_signed_in,
    recovery_codes,
    wrong_code,
)
from notifications.sign_on.models import SignInRecord
from tests.factories import PASSWORD
from tests.inbox.browser import get

pytestmark = pytest.mark.django_db


def test_without_a_factor_the_password_is_enough(browser: Client, bob: Recipient) -> None:
    response = give_password(browser, "bob", "/devices")
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert is_signed_in(browser)
    assert "wfpush_known" in response.cookies


def test_the_password_alone_begins_no_session(browser: Client, bob: Recipient, secret: str) -> None:
    response = give_password(browser, "bob", "/devices")
    assert (response.status_code, response["Location"]) == (302, "/sign-in/factor")
    assert not is_signed_in(browser)
    assert browser.get("/settings").status_code == 302
    assert browser.get("/api/v1/notifications").status_code == 401
    assert browser.post("/api/v1/tokens", {}, content_type="application/json").status_code == 401
    assert "wfpush_known" not in response.cookies


def test_a_code_of_the_app_begins_it_and_leads_on(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob", "/devices")
    page = get(browser, "/sign-in/factor")
    assert "Open your authenticator app" in page.text and "passkey" not in page.text
    response = give_code(browser, code(secret))
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert is_signed_in(browser) and "wfpush_known" in response.cookies


def test_a_code_counts_once(browser: Client, bob: Recipient, secret: str) -> None:
    value = code(secret)
    give_password(browser, "bob")
    give_code(browser, value)
    other = Client()
    give_password(other, "bob")
    assert give_code(other, value).status_code == 422
    assert not is_signed_in(other)


def test_a_recovery_code_counts_once_and_is_told(browser: Client, bob: Recipient, secret: str) -> None:
    value = recovery_codes(bob.user)[3]
    give_password(browser, "bob")
    assert give_code(browser, value).status_code == 302
    assert is_signed_in(browser)
    assert len(recovery_codes(bob.user)) == 9
    record = SignInRecord.objects.get()
    assert (record.code, record.user, record.browser) == ("code_used", bob.user, "Firefox of the tests")
    other = Client()
    give_password(other, "bob")
    assert give_code(other, value).status_code == 422


def test_a_wrong_code_is_refused_and_recorded(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob")
    response = give_code(browser, wrong_code(secret))
    assert response.status_code == 422 and "This code or passkey is wrong" in response.content.decode()
    assert not is_signed_in(browser)
    assert SignInRecord.objects.get().code == "wrong_factor"


def test_the_page_of_the_code_needs_a_password_before(browser: Client, bob: Recipient, secret: str) -> None:
    response = give_code(browser, code(secret))
    assert (response.status_code, response["Location"]) == (302, "/sign-in/account")
    assert browser.get("/sign-in/account")["Location"] == "/sign-in"


def test_a_code_of_somebody_else_does_not_count(browser: Client, bob: Recipient, secret: str, carol: User) -> None:
    other = add_app(carol)
    give_password(browser, "bob")
    assert give_code(browser, code(other)).status_code == 422


# --- limits -----------------------------------------------------------------------------------------------------------
def test_many_wrong_codes_have_to_wait_on_a_clear_page(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob")
    answers = [give_code(browser, wrong_code(secret)).status_code for _ in range(5)]
    assert answers == [422, 422, 422, 422, 429]
    response = give_code(browser, code(secret))
    assert response.status_code == 429 and "Wait 1 minute" in response.content.decode()
    assert not is_signed_in(browser)


def test_the_password_again_frees_nobody_who_guesses_codes(browser: Client, bob: Recipient, secret: str) -> None:
    statuses = []
    for _ in range(3):
        give_password(browser, "bob")
        statuses.append(give_code(browser, wrong_code(secret)).status_code)
    assert statuses == [422, 422, 429]


def test_somebody_who_knows_the_password_cannot_keep_the_person_out(bob: Recipient, secret: str) -> None:
    own = Client()
    give_password(own, "bob")
    give_code(own, recovery_codes(bob.user)[0])
    own.post("/sign-out")
    thief = Client(REMOTE_ADDR="203.0.113.7")
    give_password(thief, "bob")
    for _ in range(25):
        give_code(thief, wrong_code(secret))
    assert give_code(thief, code(secret)).status_code == 429
    assert give_password(own, "bob").status_code == 302
    assert give_code(own, code(secret)).status_code == 302
    assert is_signed_in(own)


# --- the other ways in ------------------------------------------------------------------------------------------------
def test_the_desk_asks_for_the_factor_too(browser: Client, root: User) -> None:
    secret = add_app(root)
    address = "/admin/login/?next=/admin/auth/user/"
    response = browser.post(address, {"username": "root", "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/sign-in/factor")
    assert browser.get("/admin/auth/user/").status_code == 302
    response = give_code(browser, code(secret))
    assert response["Location"] == "/admin/auth/user/"
    assert browser.get("/admin/auth/user/").status_code == 200


def test_somebody_else_at_the_desk_ends_the_session_before(browser: Client, bob: Recipient, root: User) -> None:
    secret = add_app(root)
    give_password(browser, "bob")
    browser.post("/admin/login/?next=/admin/", {"username": "root", "password": PASSWORD})
    assert not is_signed_in(browser)
    give_code(browser, code(secret))
    assert int(browser.session["_auth_user_id"]) == root.pk


def test_a_link_asks_for_the_factor_too(browser: Client, bob: Recipient, secret: str) -> None:
    _link, address = new_link(bob, next="/devices", now=timezone.now())
    path = "/" + address.split("/", 3)[3]
    response = browser.post(path)
    assert (response.status_code, response["Location"]) == (302, "/sign-in/factor")
    assert not is_signed_in(browser)
    assert give_code(browser, code(secret))["Location"] == "/devices"
    assert is_signed_in(browser)


def test_a_link_of_somebody_without_a_factor_signs_in(browser: Client, bob: Recipient) -> None:
    _link, address = new_link(bob, next="/devices", now=timezone.now())
    assert browser.post("/" + address.split("/", 3)[3])["Location"] == "/devices"
    assert is_signed_in(browser)


def test_a_closed_account_is_not_let_in_between_password_and_code(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob")
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    give_code(browser, code(secret))
    assert browser.get("/settings").status_code == 302


def test_a_password_that_changed_meanwhile_ends_the_sign_in(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob")
    bob.user.set_password("another long walk by the sea")
    bob.user.save()
    assert give_code(browser, code(secret))["Location"] == "/sign-in/account"
    assert not is_signed_in(browser)


def test_secrets_are_encrypted(bob: Recipient, secret: str) -> None:
    stored: dict[str, Any] = {each.type: each.data for each in Authenticator.objects.all()}
    assert stored["totp"]["secret"].startswith("enc1:") and stored["recovery_codes"]["seed"].startswith("enc1:")
    assert secret not in str(stored)
