"""Passkeys over HTTP: what is accepted, and forgeries that no browser would send."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.inbox.sign_in.session import BACKEND
from notifications.models import Recipient
from notifications.second_factors.tests.authenticator import SoftAuthenticator
from notifications.second_factors.tests.factors import add_app, give_password, is_signed_in
from tests.factories import PASSWORD, RecipientFactory, UserFactory
from tests.inbox.browser import get

pytestmark = pytest.mark.django_db


HERE = "http://localhost:8000"


@pytest.fixture(autouse=True)
def _here(settings: Any) -> None:
    """Passkeys need a name, not a number."""
    settings.BASE_URL = HERE


@pytest.fixture
def key() -> SoftAuthenticator:
    return SoftAuthenticator(HERE, "localhost")


def options_on(browser: Client, address: str) -> dict[str, Any]:
    (options,) = get(browser, address).tree.xpath("//form/@data-options")
    found: dict[str, Any] = json.loads(options)
    return found


def sign_in_options(browser: Client) -> dict[str, Any]:
    response = browser.get("/sign-in/passkey", headers={"Accept": "application/json"})
    found: dict[str, Any] = response.json()["request_options"]
    return found


def add(browser: Client, key: SoftAuthenticator, name: str = "Phone") -> int:
    options = options_on(browser, "/security/passkeys/add")
    return browser.post("/security/passkeys/add", {"name": name, "credential": key.create(options)}).status_code


@pytest.fixture
def bobs_key(bob: Recipient, key: SoftAuthenticator) -> SoftAuthenticator:
    browser = Client()
    give_password(browser, "bob")
    assert add(browser, key) == 302
    return key


def test_the_page_to_sign_in_asks_for_the_script_of_passkeys_alone() -> None:
    assert get(Client(), "/sign-in").tree.xpath("//script/@src") == ["/static/wfpush/passkeys.js"]


def test_the_options_name_this_installation_and_ask_for_a_stored_and_locked_key(
    browser: Client, bob: Recipient
) -> None:
    give_password(browser, "bob")
    public = options_on(browser, "/security/passkeys/add")["publicKey"]
    assert public["rp"] == {"id": "localhost", "name": "wfpush"}
    assert public["authenticatorSelection"]["residentKey"] == "required"
    assert public["authenticatorSelection"]["userVerification"] == "required"
    assert (public["user"]["name"], public["user"]["displayName"]) == ("bob", "Bob")


def test_a_passkey_signs_in_without_a_password(bobs_key: SoftAuthenticator, bob: Recipient, browser: Client) -> None:
    credential = bobs_key.get(sign_in_options(browser))
    response = browser.post("/sign-in/passkey", {"credential": credential, "next": "/devices"})
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert int(browser.session["_auth_user_id"]) == bob.user_id
    assert "wfpush_known" in response.cookies
    assert Authenticator.objects.get(type="webauthn").last_used_at is not None


def test_it_leads_to_no_other_site(bobs_key: SoftAuthenticator, browser: Client) -> None:
    credential = bobs_key.get(sign_in_options(browser))
    response = browser.post("/sign-in/passkey", {"credential": credential, "next": "//evil.example/"})
    assert response["Location"] == "/"


def test_a_passkey_is_a_second_factor_after_the_password(bobs_key: SoftAuthenticator, browser: Client) -> None:
    give_password(browser, "bob", "/devices")
    assert not is_signed_in(browser)
    options = options_on(browser, "/sign-in/factor")
    response = browser.post("/sign-in/factor", {"credential": bobs_key.get(options)})
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert is_signed_in(browser)


def test_an_answer_counts_once(bobs_key: SoftAuthenticator, browser: Client) -> None:
    credential = bobs_key.get(sign_in_options(browser))
    browser.post("/sign-in/passkey", {"credential": credential})
    assert is_signed_in(browser)
    browser.post("/sign-out")
    browser.post("/sign-in/passkey", {"credential": credential})
    assert not is_signed_in(browser)


def test_an_answer_to_another_browser_does_not_count(bobs_key: SoftAuthenticator, browser: Client) -> None:
    credential = bobs_key.get(sign_in_options(Client()))
    sign_in_options(browser)
    response = browser.post("/sign-in/passkey", {"credential": credential}, follow=True)
    assert "This passkey is not known here" in response.content.decode()
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://wfpush.evil.example"},
        {"origin": "http://localhost:9000"},
        {"rp_id": "evil.example"},
        {"verifies": False},
        {"id": b"another key"},
        {"user": b"1"},
        {"user": b""},
    ],
    ids=str,
)
def test_forged_answers_sign_nobody_in(bobs_key: SoftAuthenticator, browser: Client, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(bobs_key, name, value)
    response = browser.post("/sign-in/passkey", {"credential": bobs_key.get(sign_in_options(browser))})
    assert (response.status_code, response["Location"]) == (302, "/sign-in")
    assert not is_signed_in(browser)


def test_a_key_of_somebody_else_is_not_theirs(bobs_key: SoftAuthenticator, carol: User, browser: Client) -> None:
    add_app(carol)
    give_password(browser, "carol")
    options = {"publicKey": {"challenge": "AAAA"}}
    assert browser.post("/sign-in/factor", {"credential": bobs_key.get(options)}).status_code == 422
    bobs_key.user = str(carol.pk).encode()
    browser.post("/sign-in/passkey", {"credential": bobs_key.get(sign_in_options(Client()))})
    assert not is_signed_in(browser)


@pytest.mark.parametrize("credential", ["", "{}", "[]", "nonsense", '{"id": "AA", "rawId": "AA", "response": {}}', "7"])
def test_what_is_no_answer_is_refused(bobs_key: SoftAuthenticator, browser: Client, credential: str) -> None:
    sign_in_options(browser)
    assert browser.post("/sign-in/passkey", {"credential": credential}).status_code == 302
    give_password(browser, "bob")
    options_on(browser, "/sign-in/factor")
    assert browser.post("/sign-in/factor", {"credential": credential}).status_code == 422
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "changes", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verifies": False}], ids=str
)
def test_forged_registrations_are_refused(
    bob: Recipient, browser: Client, key: SoftAuthenticator, changes: dict[str, Any]
) -> None:
    give_password(browser, "bob")
    for name, value in changes.items():
        setattr(key, name, value)
    assert add(browser, key) == 422
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("credential", ["", "{}", "[]", "nonsense", '{"id": "AA", "rawId": "AA", "response": {}}'])
def test_what_is_no_registration_is_refused(bob: Recipient, browser: Client, credential: str) -> None:
    give_password(browser, "bob")
    options_on(browser, "/security/passkeys/add")
    response = browser.post("/security/passkeys/add", {"name": "Phone", "credential": credential})
    assert response.status_code == 422
    assert not Authenticator.objects.exists()


def test_a_closed_account_signs_in_by_no_passkey(bobs_key: SoftAuthenticator, bob: Recipient, browser: Client) -> None:
    User.objects.filter(pk=bob.user_id).update(is_active=False)
    response = browser.post("/sign-in/passkey", {"credential": bobs_key.get(sign_in_options(browser))})
    assert response.status_code == 403 and "This account is closed" in response.content.decode()
    assert not is_signed_in(browser)


def test_the_list_names_it_and_it_is_removed(bobs_key: SoftAuthenticator, browser: Client) -> None:
    browser.post("/sign-in/passkey", {"credential": bobs_key.get(sign_in_options(browser))})
    page = get(browser, "/security")
    assert "Phone" in page.text and "Last used" in page.text
    page = page.follow("Remove: Phone")
    page = page.press("Remove")
    assert "The passkey is removed." in page.text
    assert not Authenticator.objects.exists(), "Its recovery codes have ended, too."


# --- people of an identity provider -----------------------------------------------------------------------------------
@pytest.fixture
def eva(db: None) -> Recipient:
    """Eva signs in at a provider, and has no password here."""
    person: Recipient = RecipientFactory(ref="eva", name="Eva", user=UserFactory(username="eva"))
    assert person.user is not None
    person.user.set_unusable_password()
    person.user.save()
    SocialAccount.objects.create(user=person.user, provider="acme", uid="eva-1")
    return person


def from_provider(person: Recipient, age: timedelta = timedelta()) -> Client:
    """A browser in which the person has signed in at the provider, so long ago."""
    browser = Client()
    browser.force_login(person.user, backend=BACKEND)
    session, at = browser.session, (timezone.now() - age).timestamp()
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": at, "provider": "acme"}]
    session["account_authentication_methods_user"] = str(person.user_id)
    session.save()
    return browser


def test_people_of_a_provider_add_a_passkey_for_answers_right_after_their_sign_in(
    eva: Recipient, key: SoftAuthenticator
) -> None:
    browser = from_provider(eva)
    page = get(browser, "/security")
    assert "A passkey confirms answers that need one." in page.text
    assert "Add app" not in page.text
    assert add(browser, key) == 302
    assert Authenticator.objects.filter(user=eva.user, type="webauthn").count() == 1


def test_later_they_sign_in_again_first(eva: Recipient) -> None:
    browser = from_provider(eva, timedelta(minutes=6))
    page = get(browser, "/security/passkeys/add")
    assert page.url == "/security/confirm/provider"
    assert "Sign in at your identity provider again." in page.text
    page = page.press("Sign in again")
    assert page.response.redirect_chain == [("/sign-in?next=%2Fsecurity%2Fpasskeys%2Fadd", 302)]  # type: ignore[attr-defined]


def test_their_passkey_signs_nobody_in(eva: Recipient, key: SoftAuthenticator, browser: Client) -> None:
    assert add(from_provider(eva), key) == 302
    response = browser.post("/sign-in/passkey", {"credential": key.get(sign_in_options(browser))}, follow=True)
    assert "This passkey confirms answers only." in response.content.decode()
    assert not is_signed_in(browser)


def test_another_passkey_asks_for_a_factor_and_not_for_the_password_alone(
    bobs_key: SoftAuthenticator, browser: Client
) -> None:
    give_password(browser, "bob")
    browser.post("/sign-in/factor", {"credential": bobs_key.get(options_on(browser, "/sign-in/factor"))})
    with time_machine.travel(timezone.now() + timedelta(seconds=301)):
        assert browser.post("/security/confirm", {"password": PASSWORD, "next": "/security"}).status_code == 302
        assert browser.get("/security").status_code == 200
        assert browser.get("/security/passkeys/add")["Location"].startswith("/security/confirm/code")
        options = options_on(browser, "/security/confirm/passkey")
        browser.post("/security/confirm/passkey", {"credential": bobs_key.get(options)})
        assert browser.get("/security/passkeys/add").status_code == 200
