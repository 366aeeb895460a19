"""Signing in by SAML: the usual way, and answers that are forged, wrapped, repeated or for somebody else."""

import base64
import re
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import xmlsec
from django.test import Client
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from notifications.models import Recipient
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.tests.signing_on import is_signed_in, last
from tests.factories import TeamFactory
from tests.support import saml_provider
from tests.support.saml_provider import ENTITY, SSO_URL, SamlProviderServer, later, new_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> SamlProviderServer:
    return SamlProviderServer()


@pytest.fixture
def provider(db: None, server: SamlProviderServer) -> IdentityProvider:
    return IdentityProvider.objects.create(
        slug="acme",
        name="Acme",
        kind="saml",
        issuer=ENTITY,
        sso_url=SSO_URL,
        certificate=server.key[1],
        domains=["acme.example"],
        trusts_addresses=True,
    )


def begin(browser: Client, back: str = "/") -> str:
    response: Any = browser.get("/sign-on/acme/login", {"next": back}, follow=False)
    response = browser.get(response["Location"])
    assert response["Location"].startswith(SSO_URL), response.content
    return str(response["Location"])


def come_back(browser: Client, answer: str) -> Any:
    """Post the answer, as the provider's page does, and follow to where it is read."""
    response: Any = browser.post("/sign-on/acme/acs", {"SAMLResponse": answer, "RelayState": ""})
    assert response.status_code == 302, response.content
    return browser.get(response["Location"])


def sign_in(browser: Client, server: SamlProviderServer, back: str = "/") -> Any:
    return come_back(browser, server.answer(begin(browser, back)))


def test_a_known_person_signs_in(server: SamlProviderServer, provider: IdentityProvider, bob: Recipient) -> None:
    team = TeamFactory(slug="finance")
    provider.mappings.create(group="g-finance", team=team)
    server.attributes["groups"] = ["g-finance", "g-other"]
    browser = Client()
    response = sign_in(browser, server, "/devices")
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert int(browser.session["_auth_user_id"]) == bob.user_id
    assert list(bob.teams.all()) == [team]
    assert (last().outcome, last().identity) == ("signed_in", "bob@acme.example")
    again = Client()
    sign_in(again, server)
    assert is_signed_in(again)


def test_its_addresses_count_only_where_an_administrator_said_so(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    IdentityProvider.objects.update(trusts_addresses=False)
    browser = Client()
    assert sign_in(browser, server).status_code == 403
    assert last().code == "unverified"


def test_the_metadata_names_where_answers_go(provider: IdentityProvider) -> None:
    xml = Client().get("/sign-on/acme/metadata").content.decode()
    assert "http://testserver/sign-on/acme/acs" in xml and 'WantAssertionsSigned="true"' in xml


# --- forgeries --------------------------------------------------------------------------------------------------------
def _unsigned(xml: str) -> str:
    return re.sub(r"<ds:Signature.*?</ds:Signature>", "", xml, flags=re.DOTALL)


def _wrapped(xml: str) -> str:
    """XSW: an assertion of the attacker's comes first; the signed one stays, and its signature is valid."""
    signed = xml[xml.index("<saml:Assertion") : xml.index("</saml:Assertion>") + len("</saml:Assertion>")]
    evil = _unsigned(signed).replace("bob-17", "carol-1").replace("bob@acme", "carol@acme")
    evil = re.sub(r'ID="_\w+"', 'ID="_evil"', evil, count=1)
    return xml.replace(signed, evil + signed)


def _wrapped_inside(xml: str) -> str:
    """XSW: the signed assertion hides in an extension of the attacker's response."""
    signed = xml[xml.index("<saml:Assertion") : xml.index("</saml:Assertion>") + len("</saml:Assertion>")]
    evil = _unsigned(signed).replace("bob-17", "carol-1").replace("bob@acme", "carol@acme")
    evil = re.sub(r'ID="_\w+"', 'ID="_evil"', evil, count=1)
    return xml.replace(signed, evil).replace(
        "<samlp:Status>", f"<samlp:Extensions>{signed}</samlp:Extensions><samlp:Status>"
    )


def _commented(xml: str) -> str:
    return xml.replace("bob@acme.example", "bob@acme.example<!-- -->.evil.example")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FORGERIES: dict[str, tuple[dict[str, str], Callable[[str], str], str]] = {
    "unsigned": ({}, _unsigned, "token_signature"),
    "altered": ({}, lambda xml: xml.replace("bob-17", "carol-1"), "token_signature"),
    "wrapped": ({}, _wrapped, "token_"),
    "wrapped inside": ({}, _wrapped_inside, "token_"),
    "a comment in the address": ({}, _commented, "token_signature"),
    "another issuer": ({"issuer": "https://evil.example"}, lambda xml: xml, "token_issuer"),
    "another audience": ({"audience": "https://other.example"}, lambda xml: xml, "token_audience"),
    "another recipient": ({"recipient": "https://other.example/acs"}, lambda xml: xml, "token_"),
    "ended": ({"until": later(-10), "since": later(-20)}, lambda xml: xml, "token_"),
    "from the future": ({"since": later(60), "until": later(65)}, lambda xml: xml, "token_"),
    "not a success": ({"status": "Responder"}, lambda xml: xml, "token_"),
    "no subject": ({"subject": ""}, lambda xml: xml, "token_"),
    "an XML bomb": ({}, lambda xml: BOMB + xml.replace(">bob-17<", ">&b;<"), "token_"),
    "no XML": ({}, lambda xml: "no XML", "token_"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_answers_are_refused(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient, name: str
) -> None:
    server.changes, server.forge, code = FORGERIES[name]
    browser = Client()
    response = sign_in(browser, server)
    assert 400 <= response.status_code < 600 and response.status_code != 500
    assert not is_signed_in(browser)
    assert last().outcome == "refused" and last().code.startswith(code), (last().code, last().detail)


def test_a_key_of_somebody_else_does_not_count(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    server.key = new_key()
    browser = Client()
    sign_in(browser, server)
    assert not is_signed_in(browser)
    assert last().code == "token_signature"


def test_an_old_algorithm_does_not_count(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    server.algorithm = OneLogin_Saml2_Constants.RSA_SHA1
    browser = Client()
    sign_in(browser, server)
    assert not is_signed_in(browser)
    assert last().code == "token_signature"


def test_a_signed_message_around_an_unsigned_assertion_does_not_count(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    server.signs, server.forge = False, server.signed
    browser = Client()
    sign_in(browser, server)
    assert not is_signed_in(browser)


def test_an_answer_counts_once_and_only_in_its_browser(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    browser, victim = Client(), Client()
    answer = server.answer(begin(browser))
    assert come_back(browser, answer).status_code == 302
    browser.post("/sign-out")
    assert come_back(browser, answer).status_code == 400
    assert last().code == "state"
    assert come_back(victim, answer).status_code == 400
    assert not is_signed_in(browser) and not is_signed_in(victim)


def test_a_sign_in_that_nobody_began_here_is_refused(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    server.forge = lambda xml: xml
    browser = Client()
    url = begin(browser)
    server.request_id = lambda url: ""  # type: ignore[method-assign]
    come_back(browser, server.answer(url))
    assert not is_signed_in(browser)


def test_an_assertion_that_answers_nothing_does_not_count_in_an_answer_of_ones_own(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the assertion is signed: an unsolicited one could be put around with the id of any request."""
    unsolicited = saml_provider.ASSERTION.replace(' InResponseTo="{request_id}"', "")
    monkeypatch.setattr(saml_provider, "ASSERTION", unsolicited)
    stolen, mallory = server.response("_none"), Client()
    request_id = server.request_id(begin(mallory))
    assert come_back(mallory, _encoded(stolen.replace('"_none"', f'"{request_id}"'))).status_code == 400
    assert last().detail == "InResponseTo"
    assert not is_signed_in(mallory)


def test_an_assertion_without_an_audience_does_not_count(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = re.sub(
        r"<saml:AudienceRestriction>.*?</saml:AudienceRestriction>", "", saml_provider.ASSERTION, flags=re.S
    )
    monkeypatch.setattr(saml_provider, "ASSERTION", without)
    browser = Client()
    sign_in(browser, server)
    assert not is_signed_in(browser)
    assert last().code == "token_audience"


def _encoded(xml: str) -> str:
    return base64.b64encode(xml.encode()).decode()


# --- signed out there -------------------------------------------------------------------------------------------------
def logout(server: SamlProviderServer, subject: str, issued: str = "") -> dict[str, str]:
    """Return the parameters of a signed logout request, by redirect (SAML 2.0 Bindings, 3.4.4.1)."""
    xml = saml_provider.LOGOUT.format(subject=subject, issued=issued or later(0), request_id=f"_{uuid4().hex}")
    packed = zlib.compress(xml.encode())[2:-4]
    values = {"SAMLRequest": base64.b64encode(packed).decode(), "SigAlg": OneLogin_Saml2_Constants.RSA_SHA256}
    signed: Any = OneLogin_Saml2_Utils.sign_binary(
        urlencode(values).encode(), server.key[0], algorithm=xmlsec.Transform.RSA_SHA256
    )
    return {**values, "Signature": base64.b64encode(signed).decode()}


def test_a_signed_logout_ends_what_its_person_can_do_and_nobody_elses(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    browser = Client()
    sign_in(browser, server)
    assert browser.get("/sign-on/acme/slo", logout(server, "mallory-3")).status_code == 302
    assert is_signed_in(browser)
    notice = logout(server, "bob-17")
    assert Client().get("/sign-on/acme/slo", notice).status_code == 302
    assert not is_signed_in(browser)
    sign_in(browser, server)
    assert Client().get("/sign-on/acme/slo", notice).status_code == 400
    assert Client().get("/sign-on/acme/slo", logout(server, "bob-17", later(-10))).status_code == 400
    assert is_signed_in(browser)


def test_people_who_are_signed_in_stay_who_they_are(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    browser = Client()
    sign_in(browser, server)
    key = browser.session.session_key
    response: Any = browser.get("/sign-on/acme/saml", {"next": "/devices"})
    assert (response.status_code, response["Location"]) == (302, "/devices")
    assert browser.session.session_key == key


def test_a_large_answer_is_refused(provider: IdentityProvider) -> None:
    assert Client().post("/sign-on/acme/acs", {"SAMLResponse": "x" * 300_000}).status_code == 413


def test_an_unsigned_logout_ends_nothing(
    server: SamlProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    browser = Client()
    sign_in(browser, server)
    assert browser.get("/sign-on/acme/slo", {"SAMLRequest": "x"}).status_code == 400
    assert is_signed_in(browser)
