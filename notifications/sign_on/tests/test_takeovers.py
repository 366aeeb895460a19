"""Attempts to become somebody else: by another provider, a look-alike address, a promotion, or an edited provider."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client

from notifications.models import Recipient
from notifications.sign_on import adapters, identities
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.tests.signing_on import is_signed_in, last, sign_in
from notifications.sign_on.tests.test_admin import INLINE, desk
from tests.factories import RecipientFactory, UserFactory
from tests.support.identity_provider import CLIENT, SECRET, IdentityProviderServer

__all__ = ["desk"]
pytestmark = pytest.mark.django_db


def test_another_provider_with_the_same_slug_names_other_people(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    sign_in(Client(), server)
    provider.delete()
    IdentityProvider.objects.create(
        slug="acme", name="Evil", issuer=server.issuer, client_id=CLIENT, client_secret=SECRET, domains=["evil.example"]
    )
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert not is_signed_in(browser)


def _save(desk: Client, provider: IdentityProvider, **values: str) -> Any:
    usual = {"name": "Acme", "kind": "openid_connect", "issuer": provider.issuer, "client_id": provider.client_id}
    address = f"/admin/sign_on/identityprovider/{provider.pk}/change/"
    return desk.post(address, {**INLINE, **usual, "domains": "acme.example", "active": "on", **values})


def test_a_changed_issuer_forgets_identities_and_asks_for_the_secret_again(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, desk: Client
) -> None:
    sign_in(Client(), server)
    moved = _save(desk, provider, issuer="https://login.evil.example")
    assert "enter it again" in moved.content.decode()
    assert _save(desk, provider, issuer="https://login.evil.example", new_secret="new").status_code == 302
    key = provider.identity_key
    provider.refresh_from_db()
    assert (provider.client_secret, provider.identity_key != key) == ("new", True)


def test_a_name_change_keeps_identities(provider: IdentityProvider, desk: Client) -> None:
    key = provider.identity_key
    assert _save(desk, provider, name="Acme Ltd").status_code == 302
    provider.refresh_from_db()
    assert (provider.name, provider.identity_key) == ("Acme Ltd", key)


def test_somebody_who_became_superuser_signs_in_by_password(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    sign_in(Client(), server)
    User.objects.update(is_superuser=True)
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert last().code == "superuser"
    assert not is_signed_in(browser)


@pytest.mark.parametrize("address", ["mıke@acme.example", "ſam@acme.example", "bob@acme.example\u200b"])
def test_look_alike_addresses_are_refused(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, address: str
) -> None:
    for ref in ("mike", "sam"):
        RecipientFactory(ref=ref, email=f"{ref}@acme.example", email_verified=True, user=UserFactory(username=ref))
    server.person = {**server.person, "email": address}
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert not is_signed_in(browser)


def test_staff_are_joined_by_the_address_of_their_account_only(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    """An engine with the scope directory may set a person's address; only who may change users sets an account's."""
    User.objects.update(is_staff=True, email="")
    assert sign_in(Client(), server).status_code == 403
    assert last().code == "staff_address"
    User.objects.update(email="bob@acme.example")
    assert sign_in(Client(), server).status_code == 302


def test_an_account_that_was_closed_meanwhile_stays_closed(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close_after(*arguments: Any) -> User:
        user = identities.account_of(*arguments)
        User.objects.filter(pk=user.pk).update(is_active=False)
        return user

    class Slow:
        account_of = staticmethod(close_after)

    monkeypatch.setattr(adapters, "identities", Slow)
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert not is_signed_in(browser)
    assert not User.objects.get(pk=bob.user_id).is_active
    assert not SocialAccount.objects.exists()


def test_a_redirect_with_an_error_does_not_turn_the_light_red(
    server: IdentityProviderServer, provider: IdentityProvider
) -> None:
    browser = Client()
    way = browser.get("/sign-on/acme/login")["Location"]
    state = parse_qs(urlsplit(way).query)["state"][0]
    browser.get("/sign-on/acme/return", {"error": "anything", "state": state})
    provider.refresh_from_db()
    assert (last().code, provider.fault) == ("error_answer", "")


def test_nul_in_a_claim_is_refused(server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient) -> None:
    server.person = {**server.person, "name": "Bob\x00"}
    assert sign_in(Client(), server).status_code == 502
    assert last().code == "token_claims"
