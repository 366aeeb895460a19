"""The desk's rules: who needs a factor, who may sign in by password, and who has lost a factor."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.core import mail
from django.test import Client
from django.utils import timezone

from notifications import roles
from notifications.models import Recipient
from notifications.second_factors import mails
from notifications.second_factors.models import SecurityMail, SignInRules
from notifications.second_factors.tests.factors import add_app, code, give_code, give_password, is_signed_in
from notifications.sign_on.models import IdentityProvider, SignInRecord
from tests.factories import PASSWORD, UserFactory
from tests.inbox.browser import get

pytestmark = pytest.mark.django_db

RULES = "/admin/second_factors/signinrules/"


def at_desk(browser: Client, name: str, back: str = "/admin/") -> Any:
    return browser.post(f"/admin/login/?next={back}", {"username": name, "password": PASSWORD})


@pytest.fixture
def provider(db: None) -> IdentityProvider:
    return IdentityProvider.objects.create(
        slug="acme",
        name="Acme",
        issuer="https://login.acme.example",
        domains=["acme.example"],
        works_since=timezone.now(),
    )


# --- required by role -------------------------------------------------------------------------------------------------
def test_a_role_that_needs_a_factor_opens_no_desk_page_without(browser: Client, carol: User) -> None:
    rules = SignInRules.objects.create()
    rules.roles.add(Group.objects.get(name=roles.OPERATORS))
    assert at_desk(browser, "carol", "/admin/notifications/event/")["Location"] == "/security"
    for page in ("/admin/", "/admin/notifications/event/", "/admin/search/?s=x", "/admin/password_change/"):
        assert browser.get(page)["Location"] == "/security", page
    page = get(browser, "/security")
    assert "Your role at the desk needs a second factor" in page.text
    page = page.follow("Add app")
    page = page.press("Add app", code=code(page.tree.xpath("//input[@id='key']/@value")[0]))
    assert page.url == "/security/codes"
    assert browser.get("/admin/").status_code == 200
    assert "Open the desk" in get(browser, "/security").text
    Authenticator.objects.all().delete()
    assert browser.get("/admin/")["Location"] == "/security"


def test_others_are_not_asked(browser: Client, carol: User, root: User) -> None:
    rules = SignInRules.objects.create(superusers=True)
    rules.roles.add(Group.objects.get(name=roles.AUDITORS))
    at_desk(browser, "carol")
    assert browser.get("/admin/").status_code == 200
    other = Client()
    at_desk(other, "root")
    assert other.get("/admin/")["Location"] == "/security"
    other.post("/admin/logout/")
    assert not is_signed_in(other)


def test_the_inbox_stays_open_and_leads_to_the_page_after_the_sign_in(browser: Client, bob: Recipient) -> None:
    bob.user.is_staff = True
    bob.user.save()
    bob.user.groups.add(Group.objects.get(name=roles.OPERATORS))
    SignInRules.objects.create().roles.add(Group.objects.get(name=roles.OPERATORS))
    assert give_password(browser, "bob", "/devices")["Location"] == "/security"
    assert browser.get("/devices").status_code == 200


def test_a_session_of_a_provider_needs_none(browser: Client, carol: User) -> None:
    SignInRules.objects.create().roles.add(Group.objects.get(name=roles.OPERATORS))
    at_desk(browser, "carol")
    session = browser.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": 1.0}]
    session.save()
    assert browser.get("/admin/").status_code == 200


# --- at providers only ------------------------------------------------------------------------------------------------
@pytest.fixture
def emergency(root: User, provider: IdentityProvider) -> User:
    """Everybody signs in at Acme, except for root."""
    rules = SignInRules.objects.create(providers_only=True)
    rules.emergency_accounts.add(root)
    return root


def test_others_read_where_they_sign_in(browser: Client, bob: Recipient, emergency: User) -> None:
    response = give_password(browser, "bob")
    assert response.status_code == 403
    assert "Sign in at Acme" in response.content.decode() and "/sign-on/acme/login" in response.content.decode()
    assert not is_signed_in(browser)
    assert SignInRecord.objects.get().code == "providers_only"


def test_the_desk_is_no_way_around(browser: Client, carol: User, emergency: User) -> None:
    assert at_desk(browser, "carol").status_code == 403
    assert not is_signed_in(browser)


def test_a_wrong_password_is_answered_as_ever(browser: Client, bob: Recipient, emergency: User) -> None:
    response = browser.post("/sign-in", {"username": "bob", "password": "not mine at all"})
    assert response.status_code == 422 and "Sign in at Acme" in response.content.decode()
    assert not SignInRecord.objects.exists()


def test_the_use_of_an_emergency_account_is_told_to_all_administrators(
    browser: Client, emergency: User, carol: User
) -> None:
    carol.groups.set([Group.objects.get(name=roles.ADMINISTRATORS)])
    UserFactory(username="dan", email="dan@acme.example")
    secret = add_app(emergency)
    at_desk(browser, "root")
    assert not SecurityMail.objects.exists(), "The password alone is no use yet."
    give_code(browser, code(secret))
    assert browser.get("/admin/").status_code == 200
    record = SignInRecord.objects.get()
    assert (record.outcome, record.user, record.address) == ("emergency", emergency, "127.0.0.1")
    mails.drain()
    assert {each.to[0] for each in mail.outbox} == {"carol@acme.example", "root@acme.example"}
    assert "root" in mail.outbox[0].body and "Firefox of the tests" in mail.outbox[0].body


def test_nothing_is_told_while_everybody_may_sign_in_by_password(browser: Client, root: User) -> None:
    SignInRules.objects.create().emergency_accounts.add(root)
    at_desk(browser, "root")
    assert is_signed_in(browser) and not SecurityMail.objects.exists()


# --- the rules' page --------------------------------------------------------------------------------------------------
def test_the_list_leads_to_the_one_row(browser: Client, root: User) -> None:
    at_desk(browser, "root")
    assert "Nobody needs a second factor" in browser.get(RULES).content.decode()
    operators = Group.objects.get(name=roles.OPERATORS)
    browser.post(f"{RULES}add/", {"roles": [operators.pk], "superusers": ""})
    rules = SignInRules.objects.get()
    assert list(rules.roles.all()) == [operators]
    assert browser.get(RULES)["Location"] == f"{RULES}{rules.pk}/change/"
    assert browser.get(f"{RULES}add/").status_code == 403
    assert browser.get(f"{RULES}{rules.pk}/delete/").status_code == 403
    browser.post(f"{RULES}{rules.pk}/change/", {"superusers": "on"})
    assert not SignInRules.objects.get().roles.exists()
    assert SignInRules.history.count() == 2
    assert browser.get(f"{RULES}{rules.pk}/history/").status_code in (200, 302)


def test_nobody_locks_everybody_out(browser: Client, root: User, carol: User) -> None:
    at_desk(browser, "root")
    response = browser.post(f"{RULES}add/", {"providers_only": "on", "emergency_accounts": [carol.pk]})
    page = response.content.decode()
    assert "none works yet" in page and "at least one active superuser with a password" in page
    assert not SignInRules.objects.exists()


def test_it_is_saved_with_a_provider_that_works_and_a_superuser(
    browser: Client, root: User, provider: IdentityProvider
) -> None:
    at_desk(browser, "root")
    browser.post(f"{RULES}add/", {"providers_only": "on", "emergency_accounts": [root.pk]})
    assert SignInRules.objects.get().providers_only


# --- lost factors -----------------------------------------------------------------------------------------------------
def test_an_administrator_removes_all_factors_of_somebody(
    browser: Client, bob: Recipient, secret: str, root: User
) -> None:
    at_desk(browser, "root")
    row = Authenticator.objects.get(type="totp")
    listed = browser.get("/admin/second_factors/factor/").content.decode()
    assert "Bob" in listed and secret not in listed
    address = f"/admin/second_factors/factor/{row.pk}/remove/"
    assert "Remove all second factors of Bob?" in browser.get(address).content.decode()
    assert Authenticator.objects.filter(user=bob.user).count() == 2
    browser.post(address)
    assert not Authenticator.objects.filter(user=bob.user).exists()
    record = SignInRecord.objects.get()
    assert (record.outcome, record.code, record.user, record.detail) == (
        "factors",
        "removed_by_desk",
        bob.user,
        "root",
    )
    mails.drain()
    (sent,) = mail.outbox
    assert sent.to == ["bob@acme.example"] and "root" in sent.body
    other = Client()
    give_password(other, "bob")
    assert is_signed_in(other)


def test_only_superusers_remove_those_of_a_superuser(browser: Client, carol: User, root: User) -> None:
    carol.groups.set([Group.objects.get(name=roles.ADMINISTRATORS)])
    add_app(root)
    at_desk(browser, "carol")
    row = Authenticator.objects.get(type="totp")
    assert browser.post(f"/admin/second_factors/factor/{row.pk}/remove/").status_code == 403
    assert Authenticator.objects.count() == 2


def test_operators_see_no_factors(browser: Client, carol: User, secret: str) -> None:
    at_desk(browser, "carol")
    assert browser.get("/admin/second_factors/factor/").status_code == 403
    assert browser.get(RULES).status_code == 403
    assert browser.get("/admin/mfa/authenticator/").status_code == 404


def test_the_record_names_what_happened_in_words(browser: Client, bob: Recipient, secret: str, root: User) -> None:
    at_desk(browser, "root")
    SignInRecord.objects.create(at=timezone.now(), outcome="factors", code="passkey_added", identity="bob")
    assert "A passkey was added" in browser.get("/admin/sign_on/signinrecord/").content.decode()
