"""Signed out at the provider: sessions, tokens and devices here end; wrong notices change nothing."""

import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Device, Recipient, RecipientToken
from notifications.people import recipient_tokens
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.tests.signing_on import is_signed_in, last, sign_in
from tests.support.devices import subscribe
from tests.support.identity_provider import IdentityProviderServer
from tests.support.webpush import Browser

pytestmark = pytest.mark.django_db
WAY = "/sign-on/acme/back-channel-logout"


@pytest.fixture
def browser(server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient) -> Client:
    browser = Client()
    sign_in(browser, server)
    return browser


@pytest.mark.parametrize("named", [{"sid": "s-1"}, {"sub": "bob-17"}, {"sub": "bob-17", "sid": "s-1"}])
def test_the_back_channel_ends_everything(
    server: IdentityProviderServer, bob: Recipient, browser: Client, named: dict
) -> None:
    subscribe(bob, Browser(), "https://push.example.net/1", "Firefox")
    recipient_tokens.new_token(bob, label="phone", now=timezone.now())
    assert Client().post(WAY, {"logout_token": server.logout_token(**named)}).status_code == 200
    assert not is_signed_in(browser)
    assert not Device.objects.exists()
    assert not RecipientToken.objects.filter(revoked_at=None).exists()
    assert (last().outcome, last().user) == ("signed_out", bob.user)
    again = Client()
    sign_in(again, server)
    assert is_signed_in(again)


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another"},
    "no event": {"events": {}},
    "an ID token": {"nonce": "x"},
    "nobody": {"sub": None, "sid": None},
    "without an id": {"jti": None},
    "old": {"iat": int(time.time()) - 3_600, "exp": None},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_notices_end_nothing(server: IdentityProviderServer, browser: Client, name: str) -> None:
    token = server.logout_token(**{"sub": "bob-17", "sid": "s-1", **WRONG[name]})
    assert Client().post(WAY, {"logout_token": token}).status_code == 400
    assert is_signed_in(browser)
    assert last().outcome == "refused"


def test_a_notice_counts_once(server: IdentityProviderServer, browser: Client) -> None:
    token = server.logout_token(sub="bob-17")
    assert Client().post(WAY, {"logout_token": token}).status_code == 200
    sign_in(browser, server)
    assert Client().post(WAY, {"logout_token": token}).status_code == 400
    assert is_signed_in(browser)


def test_a_notice_without_a_token_is_refused(browser: Client) -> None:
    assert Client().post(WAY).status_code == 400
    assert is_signed_in(browser)


def test_the_front_channel_ends_the_named_session(server: IdentityProviderServer, browser: Client) -> None:
    way = "/sign-on/acme/front-channel-logout"
    Client().get(way, {"iss": "https://evil.example", "sid": "s-1"})
    Client().get(way, {"iss": server.issuer, "sid": "s-2"})
    Client().get(way, {"iss": server.issuer})
    assert is_signed_in(browser)
    assert Client().get(way, {"iss": server.issuer, "sid": "s-1"}).status_code == 200
    assert not is_signed_in(browser)
