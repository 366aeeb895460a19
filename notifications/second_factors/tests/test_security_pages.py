"""The page “Sign-in security”: a person adds and removes their own factors, confirmed, recorded and told by e-mail."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from notifications.models import Recipient
from notifications.second_factors import mails
from notifications.second_factors.models import SecurityMail
from notifications.second_factors.tests.factors import (
    code,
    give_code,
    give_password,
    is_signed_in,
    recovery_codes,
    wrong_code,
)
from notifications.sign_on.models import SignInRecord
from tests.factories import PASSWORD, RecipientFactory
from tests.inbox.browser import Page, get, signed_in

pytestmark = pytest.mark.django_db


def key_on(page: Page) -> str:
    return str(page.tree.xpath("//input[@id='key']/@value")[0])


def codes_on(page: Page) -> list[str]:
    return str(page.tree.xpath("//pre[@id='codes']")[0].text).split()


def later(seconds: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds))


def test_the_menu_leads_there_for_people_with_a_password_only(browser: Client, bob: Recipient) -> None:
    give_password(browser, "bob")
    page = get(browser, "/settings").follow("Sign-in security")
    assert page.title.startswith("Sign-in security") and "keeps others out" in page.text
    customer = signed_in(RecipientFactory(ref="erin", name="Erin", user=None))
    assert "Sign-in security" not in get(customer, "/settings").text
    assert customer.get("/security").status_code == 302


def test_an_app_is_added_by_its_key_and_a_code(
    browser: Client, bob: Recipient, django_capture_on_commit_callbacks: Any
) -> None:
    give_password(browser, "bob")
    page = get(browser, "/security").follow("Add app")
    (image,) = page.tree.xpath("//img[starts-with(@src, 'data:image/svg+xml;base64,')]/@alt")
    assert image == "QR code with the key below"
    secret = key_on(page)
    again = page.press("Add app", code=wrong_code(secret))
    assert again.status == 422 and key_on(again) == secret
    with django_capture_on_commit_callbacks(execute=True):
        page = again.press("Add app", code=code(secret))
    assert page.url == "/security/codes"
    assert len(codes_on(page)) == 10 and "shown only now" in page.text
    assert SignInRecord.objects.get().code == "app_added"
    assert SecurityMail.objects.get().kind == "app_added"
    assert "Signing in with your password also needs" in get(browser, "/security").text
    other = Client()
    give_password(other, "bob")
    assert not is_signed_in(other)
    assert give_code(other, codes_on(page)[0]).status_code == 302


def test_recovery_codes_are_shown_once(browser: Client, bob: Recipient) -> None:
    give_password(browser, "bob")
    page = get(browser, "/security").follow("Add app")
    shown = codes_on(page.press("Add app", code=code(key_on(page))))
    page = get(browser, "/security/codes")
    assert "cannot be shown again" in page.text and "10 codes are left" in page.text
    assert not any(each in page.response.content.decode() for each in shown)
    fresh = codes_on(page.follow("Make new codes").press("Make new codes"))
    assert len(fresh) == 10 and not set(fresh) & set(shown)
    other = Client()
    give_password(other, "bob")
    assert give_code(other, shown[0]).status_code == 422
    assert give_code(other, fresh[0]).status_code == 302


def test_they_can_be_downloaded_as_text(browser: Client, bob: Recipient) -> None:
    give_password(browser, "bob")
    page = get(browser, "/security").follow("Add app")
    page = page.press("Add app", code=code(key_on(page)))
    (address,) = page.tree.xpath("//a[@download='wfpush-recovery-codes.txt']/@href")
    assert address == "data:text/plain;charset=utf-8," + "%0A".join(codes_on(page))


# --- confirmations ----------------------------------------------------------------------------------------------------
# Another passkey asks for more than the password: test_passkeys.py.
CHANGES = ["/security/app", "/security/passkeys/add", "/security/codes/new", "/security/codes", "/security/app/remove"]


@pytest.mark.parametrize("address", [each for each in CHANGES if each != "/security/passkeys/add"])
def test_a_change_after_five_minutes_asks_again(browser: Client, bob: Recipient, secret: str, address: str) -> None:
    give_password(browser, "bob")
    give_code(browser, code(secret))
    with later(299):
        assert "/security/confirm" not in browser.get(address).get("Location", "")
    with later(301):
        if address == "/security/app":  # there is one already
            Authenticator.objects.filter(type="totp").delete()
        assert browser.get(address)["Location"].startswith("/security/confirm")
        page = get(browser, address)
        assert page.url == "/security/confirm"
        assert page.press("Continue", password="not mine at all").status == 422
        assert page.press("Continue", password=PASSWORD).url == address


def test_a_change_that_was_sent_is_done_after_the_confirmation(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob")
    give_code(browser, code(secret))
    page = get(browser, "/security/app/remove")
    with later(301):
        page = page.press("Remove")
        assert page.url == "/security/confirm" and Authenticator.objects.exists()
        page = page.press("Continue", password=PASSWORD)
    assert "The authenticator app is removed." in page.text
    assert not Authenticator.objects.exists()
    assert {each.code for each in SignInRecord.objects.all()} == {"app_removed"}


def test_a_code_confirms_too_and_counts_with_passwords(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob")
    give_code(browser, recovery_codes(bob.user)[0])
    with later(301):
        page = get(browser, "/security/app/remove").follow("Use a code")
        assert page.press("Continue", code=wrong_code(secret)).status == 422
        assert page.press("Continue", code=code(secret)).url == "/security/app/remove"


def test_guesses_at_a_confirmation_have_to_wait(browser: Client, bob: Recipient, secret: str) -> None:
    give_password(browser, "bob")
    give_code(browser, code(secret))
    with later(301):
        statuses = [
            browser.post("/security/confirm", {"password": "not mine at all", "next": "/security/codes"}).status_code
            for _ in range(6)
        ]
    assert statuses == [422, 422, 422, 422, 422, 429]


def test_strangers_are_led_to_the_sign_in(db: None) -> None:
    for address in ["/security", *CHANGES[1:]]:
        location = Client().get(address)["Location"]
        assert location.startswith(("/sign-in", "/sign-in/account")), address


def test_nobody_removes_a_passkey_of_somebody_else(browser: Client, bob: Recipient, carol: User) -> None:
    row = Authenticator.objects.create(user=carol, type="webauthn", data={"name": "Key of Carol", "credential": {}})
    give_password(browser, "bob")
    assert browser.post(f"/security/passkeys/{row.pk}/remove").status_code == 404
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_people_without_a_password_are_told_why_there_is_nothing_to_add(bob: Recipient) -> None:
    bob.user.set_unusable_password()
    bob.user.save()
    browser = signed_in(bob)
    page = get(browser, "/security")
    assert "identity provider" in page.text and "Add app" not in page.text
    assert browser.get("/security/app").status_code == 403


# --- e-mails ----------------------------------------------------------------------------------------------------------
def test_the_person_is_told_by_an_e_mail_in_their_language(browser: Client, bob: Recipient, secret: str) -> None:
    Recipient.objects.filter(pk=bob.pk).update(locale="de")
    give_password(browser, "bob")
    give_code(browser, code(secret))
    get(browser, "/security/app/remove").press("Entfernen")
    mails.drain()
    (sent,) = mail.outbox
    assert sent.to == ["bob@acme.example"]
    assert re.search("Authenticator-App", sent.subject)
    assert "Firefox of the tests" in sent.body and "127.0.0.1" in sent.body and "/security" in sent.body
    row = SecurityMail.objects.get()
    assert row.sent_at is not None and row.due_at is None
    mails.drain()
    assert len(mail.outbox) == 1
