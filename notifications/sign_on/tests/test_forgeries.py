"""Answers and tokens that are not the provider's, or not for this sign-in: each is refused and recorded."""

import base64
import hmac
import json
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from django.test import Client

from notifications.models import Recipient
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.tests.signing_on import begin, come_back, is_signed_in, last, sign_in
from notifications.types import Json
from tests.support.identity_provider import IdentityProviderServer, new_key

pytestmark = pytest.mark.django_db


def _unsigned(server: IdentityProviderServer, claims: Json) -> str:
    return f"{_part({'alg': 'none', 'kid': server.kid})}.{_part(claims)}."


def _part(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signed_with_the_public_key(server: IdentityProviderServer, claims: Json) -> str:
    """Key confusion: a MAC whose secret is the public key that everybody has."""
    public = server.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{_part({'alg': 'HS256', 'kid': server.kid})}.{_part(claims)}"
    mac = hmac.digest(public, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


SIGNERS: dict[str, tuple[Callable[[IdentityProviderServer, Json], str], str]] = {
    "alg none": (_unsigned, "token_signature"),
    "key confusion": (_signed_with_the_public_key, "token_signature"),
    "another key": (lambda server, claims: server.signed(claims, new_key()), "token_signature"),
    "an unknown key": (lambda server, claims: server.signed(claims, new_key(), kid="other"), "token_signature"),
    "altered": (lambda server, claims: _altered(server.signed(claims)), "token_signature"),
    "no token": (lambda server, claims: "no token", "token_claims"),
    "too long": (lambda server, claims: server.signed({**claims, "more": "x" * 70_000}), "token_claims"),
}


def _altered(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "carol-1"}).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


@pytest.mark.parametrize("name", SIGNERS)
def test_tokens_that_the_provider_has_not_signed(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, name: str
) -> None:
    server.sign, code = SIGNERS[name]
    _is_refused(server, code)


def _without(*names: str) -> Callable[[Json], Json]:
    return lambda claims: {name: value for name, value in claims.items() if name not in names}


FORGERIES: dict[str, tuple[Callable[[Json], Json | None], str]] = {
    "another issuer": (lambda claims: {**claims, "iss": "https://evil.example"}, "token_issuer"),
    "another audience": (lambda claims: {**claims, "aud": "another-client"}, "token_audience"),
    "another authorized party": (lambda claims: {**claims, "azp": "another-client"}, "token_audience"),
    "another nonce": (lambda claims: {**claims, "nonce": "0" * 64}, "token_nonce"),
    "no nonce": (_without("nonce"), "token_nonce"),
    "ended": (lambda claims: {**claims, "exp": int(time.time()) - 130}, "token_time"),
    "from the future": (lambda claims: {**claims, "iat": int(time.time()) + 200}, "token_time"),
    "without an end": (_without("exp"), "token_claims"),
    "without a subject": (_without("sub"), "token_claims"),
    "an empty subject": (lambda claims: {**claims, "sub": ""}, "token_claims"),
    "a long subject": (lambda claims: {**claims, "sub": "x" * 256}, "token_claims"),
    "no ID token": (lambda claims: None, "token_claims"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_tokens_that_are_not_for_this_sign_in(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, name: str
) -> None:
    server.forge, code = FORGERIES[name]
    _is_refused(server, code)


def _is_refused(server: IdentityProviderServer, code: str) -> None:
    browser = Client()
    response = sign_in(browser, server)
    assert 400 <= response.status_code < 600 and response.status_code != 500
    assert not is_signed_in(browser)
    assert (last().outcome, last().code) == ("refused", code)
    words = response.context["words"]
    assert "could not sign you in" in words and "token" not in words


@pytest.mark.parametrize("skew", [-110, 110])
def test_clocks_may_differ_by_two_minutes(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient, skew: int
) -> None:
    now = int(time.time()) + skew
    server.forge = lambda claims: {**claims, "iat": now, "exp": now + 1}
    assert sign_in(Client(), server).status_code == 302


def test_an_answer_of_another_issuer_is_refused(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    """RFC 9207: the mix-up attack sends a code of one provider to the client's address for another."""
    browser = Client()
    way = server.authorize(begin(browser)).replace(
        server.issuer.replace(":", "%3A").replace("/", "%2F"), "https%3A%2F%2Fevil.example"
    )
    assert "evil" in way
    come_back(browser, way)
    assert not is_signed_in(browser)
    assert last().code == "mix_up"


def test_an_answer_counts_once(server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient) -> None:
    browser = Client()
    way = server.authorize(begin(browser))
    assert come_back(browser, way).status_code == 302
    browser.post("/sign-out")
    assert come_back(browser, way).status_code == 400
    assert last().code == "state"
    assert not is_signed_in(browser)


def test_an_answer_counts_only_in_the_browser_that_began(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    way = server.authorize(begin(Client()))
    victim = Client()
    assert come_back(victim, way).status_code == 400
    assert not is_signed_in(victim)


def test_a_code_of_another_sign_in_is_refused(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    """An injected code does not fit the PKCE verifier of the session."""
    stolen = server.authorize(begin(Client()))
    browser = Client()
    own = server.authorize(begin(browser))
    code = stolen.partition("code=")[2].partition("&")[0]
    mixed = own.replace(own.partition("code=")[2].partition("&")[0], code)
    come_back(browser, mixed)
    assert not is_signed_in(browser)
    assert last().code == "provider_error"


def test_an_answer_for_another_provider_is_refused(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    IdentityProvider.objects.create(
        slug="other", name="Other", issuer=server.issuer, client_id="wfpush", domains=["other.example"]
    )
    browser = Client()
    way = server.authorize(begin(browser)).replace("/acme/", "/other/")
    come_back(browser, way)
    assert not is_signed_in(browser)
    assert last().code == "state"


def test_a_description_of_another_issuer_is_refused(server: IdentityProviderServer, provider: IdentityProvider) -> None:
    server.metadata = {"issuer": "https://evil.example"}
    response = Client().get("/sign-on/acme/login")
    assert response.status_code == 502
    assert last().code == "discovery"
    provider.refresh_from_db()
    assert provider.fault == "discovery"


def test_a_provider_on_a_private_network_is_not_called(
    server: IdentityProviderServer, provider: IdentityProvider, settings: object
) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = []  # type: ignore[attr-defined]
    assert Client().get("/sign-on/acme/login").status_code == 503
    assert server.asked == []
