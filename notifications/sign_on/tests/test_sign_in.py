"""Signing in at a provider: who is let in, as whom, and what is recorded."""

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from notifications.models import Recipient
from notifications.people import revocation
from notifications.sign_on import id_tokens
from notifications.sign_on.models import IdentityProvider, SignInRecord
from notifications.sign_on.tests.signing_on import begin, come_back, is_signed_in, last, sign_in
from tests.factories import PASSWORD, RecipientFactory, TeamFactory, UserFactory
from tests.support.identity_provider import IdentityProviderServer, new_key

pytestmark = pytest.mark.django_db


def test_a_known_person_signs_in(server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient) -> None:
    browser = Client()
    response = sign_in(browser, server, "/devices")
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert is_signed_in(browser)
    assert int(browser.session["_auth_user_id"]) == bob.user_id
    assert (last().outcome, last().user, last().identity) == ("signed_in", bob.user, "Bob@acme.example")
    provider.refresh_from_db()
    assert provider.works_since is not None


def test_the_way_there_has_pkce_state_and_nonce(server: IdentityProviderServer, provider: IdentityProvider) -> None:
    query = parse_qs(urlsplit(begin(Client())).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == ["http://testserver/sign-on/acme/return"]
    assert set(query["scope"][0].split()) == {"openid", "email", "profile"}
    assert len(query["nonce"][0]) == 64 and query["state"][0] and query["response_type"] == ["code"]


def test_parameters_of_the_address_do_not_reach_the_provider(
    server: IdentityProviderServer, provider: IdentityProvider
) -> None:
    response = Client().get(
        "/sign-on/acme/login", {"auth_params": "prompt=none&redirect_uri=https://evil.example", "scope": "admin"}
    )
    query = parse_qs(urlsplit(response["Location"]).query)
    assert "prompt" not in query and "admin" not in query["scope"][0]
    assert query["redirect_uri"] == ["http://testserver/sign-on/acme/return"]


def test_somebody_comes_back_as_the_same_person_under_another_address(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    sign_in(Client(), server)
    server.person = {**server.person, "email": "robert@elsewhere.example"}
    browser = Client()
    sign_in(browser, server)
    assert int(browser.session["_auth_user_id"]) == bob.user_id


def test_an_address_with_a_new_owner_is_not_joined(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    sign_in(Client(), server)
    server.person = {**server.person, "sub": "another-bob"}
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert not is_signed_in(browser)
    assert last().code == "other_identity"
    assert SocialAccount.objects.count() == 1


def test_a_person_without_an_account_gets_one(server: IdentityProviderServer, provider: IdentityProvider) -> None:
    person = RecipientFactory(ref="bob", user=None, email="bob@acme.example", email_verified=True)
    browser = Client()
    assert sign_in(browser, server).status_code == 302
    person.refresh_from_db()
    assert is_signed_in(browser)
    assert not person.user.has_usable_password()


def test_unknown_people_get_an_account_only_where_the_provider_may(
    server: IdentityProviderServer, provider: IdentityProvider
) -> None:
    assert sign_in(Client(), server).status_code == 403
    assert last().code == "unknown"
    assert not Recipient.objects.exists()
    IdentityProvider.objects.update(creates_people=True)
    browser = Client()
    assert sign_in(browser, server).status_code == 302
    person = Recipient.objects.get()
    assert (person.name, person.email, person.email_verified) == ("Bob Brown", "Bob@acme.example", True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email_verified": False}, "unverified"),
        ({"email_verified": "true"}, "unverified"),
        ({"email_verified": None}, "unverified"),
        ({"email": None}, "no_address"),
        ({"email": "no address"}, "no_address"),
        ({"email": "bob@evil.example"}, "domain"),
        ({"email": "bob@acme.example.evil.example"}, "domain"),
    ],
)
def test_nobody_is_joined_by_an_address_that_is_not_verified(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, changes: dict, code: str
) -> None:
    server.person = {name: value for name, value in {**server.person, **changes}.items() if value is not None}
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert not is_signed_in(browser)
    assert last().code == code
    assert not SocialAccount.objects.exists()


def test_addresses_of_a_trusted_provider_count_as_verified_unless_it_says_no(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    IdentityProvider.objects.update(trusts_addresses=True)
    server.person = {**server.person, "email_verified": False}
    assert sign_in(Client(), server).status_code == 403
    del server.person["email_verified"]
    assert sign_in(Client(), server).status_code == 302


def test_a_person_with_an_unverified_address_here_is_not_joined(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    Recipient.objects.update(email_verified=False)
    assert sign_in(Client(), server).status_code == 403
    assert last().code == "unknown"


def test_two_people_with_one_address_are_refused(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    RecipientFactory(ref="bobby", email="BOB@acme.example", email_verified=True)
    assert sign_in(Client(), server).status_code == 403
    assert last().code == "ambiguous"


def test_superusers_are_not_joined_by_their_address(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    bob.user.is_superuser = True
    bob.user.save()
    assert sign_in(Client(), server).status_code == 403
    assert last().code == "superuser"


@pytest.mark.parametrize("closing", ["account", "person"])
def test_closed_accounts_do_not_sign_in(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, closing: str
) -> None:
    sign_in(Client(), server)
    if closing == "account":
        type(bob.user).objects.update(is_active=False)
    else:
        Recipient.objects.update(active=False)
    revocation.sweep(last().at)
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert not is_signed_in(browser)
    assert last().code == "closed"


def test_an_inactive_provider_is_no_way_in(server: IdentityProviderServer, provider: IdentityProvider) -> None:
    IdentityProvider.objects.update(active=False)
    assert Client().get("/sign-on/acme/login").status_code == 404
    assert "Acme" not in Client().get("/sign-in").content.decode()


def test_people_who_are_signed_in_stay_who_they_are(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    """A link on any page could lead there."""
    UserFactory(username="carol")
    browser = Client()
    browser.post("/sign-in", {"username": "carol", "password": PASSWORD})
    key = browser.session.session_key
    response = browser.get("/sign-on/acme/login", {"next": "/devices"})
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert browser.session.session_key == key


# --- bad luck ---------------------------------------------------------------------------------------------------------
def test_a_provider_that_is_down_says_so_and_sessions_go_on(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    signed_in = Client()
    sign_in(signed_in, server)
    way = server.authorize(begin(browser := Client()))
    server.down = True
    response = come_back(browser, way)
    assert response.status_code == 503
    assert "Acme does not answer" in response.content.decode()
    assert last().code == "unreachable"
    assert is_signed_in(signed_in)
    provider.refresh_from_db()
    assert provider.fault == "unreachable"


def test_cancelling_there_leads_back_to_the_sign_in_page(
    server: IdentityProviderServer, provider: IdentityProvider
) -> None:
    browser = Client()
    state = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    response = come_back(browser, f"/sign-on/acme/return?error=access_denied&state={state}")
    assert response["Location"] == "/sign-in"
    assert "You cancelled the sign-in." in browser.get("/sign-in").content.decode()
    assert last().code == "cancelled"


def test_a_new_key_of_the_provider_is_looked_up(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(Client(), server)
    monkeypatch.setattr(id_tokens, "LEAST_SECONDS", -1)
    server.key, server.kid = new_key(), "second"
    assert sign_in(Client(), server).status_code == 302


def test_every_record_has_address_and_browser(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    sign_in(Client(headers={"user-agent": "Firefox on Linux"}), server)
    record = SignInRecord.objects.get()
    assert (record.address, record.browser) == ("127.0.0.1", "Firefox on Linux")


# --- the sign-in pages ------------------------------------------------------------------------------------------------
def test_the_domain_leads_to_the_provider_before_a_password_is_asked(
    server: IdentityProviderServer, provider: IdentityProvider
) -> None:
    page = Client().get("/sign-in?next=/devices").content.decode()
    assert 'name="password"' not in page and "Sign in at Acme" in page
    leaving = Client().post("/sign-in", {"username": "Bob@ACME.example", "next": "/devices"}).content.decode()
    assert "/sign-on/acme/login?next=%2Fdevices&amp;login_hint=Bob%40ACME.example" in leaving
    page = Client().post("/sign-in", {"username": "root", "next": "/"}).content.decode()
    assert 'name="password"' in page and 'value="root"' in page


def test_a_password_still_signs_in(server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient) -> None:
    browser = Client()
    assert browser.post("/sign-in", {"username": "bob", "password": PASSWORD}).status_code == 302
    assert is_signed_in(browser)


def test_the_desk_offers_the_provider(server: IdentityProviderServer, provider: IdentityProvider) -> None:
    page = Client().get("/admin/login/?next=/admin/").content.decode()
    assert '/sign-on/acme/login?next=%2Fadmin%2F"' in page


# --- what the ID token lacks ------------------------------------------------------------------------------------------
def test_the_address_and_groups_may_be_in_userinfo(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    provider.mappings.create(group="g-boats", team=TeamFactory(slug="boats"))
    server.info = {**server.person, "groups": ["g-boats"]}
    server.person = {"sub": "bob-17"}
    browser = Client()
    sign_in(browser, server)
    assert int(browser.session["_auth_user_id"]) == bob.user_id
    assert [team.slug for team in bob.teams.all()] == ["boats"]


def test_what_the_token_has_is_not_asked_for_and_counts(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    server.info = {**server.person, "email": "eve@acme.example", "groups": ["g-boats"]}
    sign_in(Client(), server)
    assert last().outcome == "signed_in" and "/userinfo" not in server.asked


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"sub": "eve-1", "email": "bob@acme.example", "email_verified": True}, "token_claims"),
        ({"email": "bob@acme.example", "email_verified": True}, "token_claims"),
        ({"sub": "bob-17", "email": "bob@acme.example", "email_verified": False}, "unverified"),
        ({"sub": "bob-17", "email": "bob@acme.example"}, "unverified"),
        ({"sub": "bob-17"}, "no_address"),
    ],
)
def test_userinfo_counts_for_its_subject_with_its_own_verification(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, info: dict, code: str
) -> None:
    server.info = info
    server.person = {"sub": "bob-17", "email_verified": True}
    browser = Client()
    sign_in(browser, server)
    assert not is_signed_in(browser) and last().code == code
