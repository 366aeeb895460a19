"""The desk's pages of providers: what the form needs and refuses, the light, and secrets that are never shown."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from notifications.sign_on.models import IdentityProvider, SignInRecord
from notifications.sign_on.tests.signing_on import sign_in
from tests.factories import UserFactory
from tests.support.identity_provider import IdentityProviderServer
from tests.support.saml_provider import ENTITY, SSO_URL, new_key

pytestmark = pytest.mark.django_db
METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}"><IDPSSODescriptor
 protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo
 xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>
</KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{url}"/>
</IDPSSODescriptor></EntityDescriptor>"""
INLINE = {f"mappings-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}


@pytest.fixture
def desk(db: None) -> Client:
    client = Client()
    client.force_login(
        UserFactory(username="root", is_staff=True, is_superuser=True), "notifications.signing_in.AccountBackend"
    )
    return client


def add(desk: Client, **values: Any) -> Any:
    usual = {
        "name": "Acme",
        "slug": "acme",
        "kind": "openid_connect",
        "issuer": "https://login.example.com",
        "client_id": "wfpush",
        "new_secret": "top secret",
        "domains": "acme.example\n@Acme.org",
        "active": "on",
    }
    return desk.post("/admin/sign_on/identityprovider/add/", {**INLINE, **usual, **values})


def test_a_provider_is_added_and_its_secret_is_never_shown(desk: Client) -> None:
    assert add(desk).status_code == 302
    provider = IdentityProvider.objects.get()
    assert (provider.client_secret, provider.domains) == ("top secret", ["acme.example", "acme.org"])
    page = desk.get(f"/admin/sign_on/identityprovider/{provider.pk}/change/").content.decode()
    assert "/sign-on/acme/back-channel-logout" in page and "top secret" not in page
    values = {"name": "Acme Ltd", "kind": "openid_connect", "issuer": provider.issuer, "client_id": "wfpush"}
    desk.post(f"/admin/sign_on/identityprovider/{provider.pk}/change/", {**INLINE, **values, "domains": "acme.example"})
    provider.refresh_from_db()
    assert (provider.name, provider.client_secret) == ("Acme Ltd", "top secret")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"issuer": "http://10.0.0.1"}, "does not call it"),
        ({"issuer": "no address"}, "contains a space"),
        ({"issuer": ""}, "Enter this value from the provider."),
        ({"client_id": ""}, "Enter this value from the provider."),
        ({"domains": ""}, "This field is required."),
        ({"domains": "not a domain"}, "Enter a domain in lower case"),
        ({"kind": "saml", "issuer": ENTITY}, "Enter this value from the provider."),
        ({"kind": "saml", "metadata": "<x/>"}, "This is no SAML metadata of an identity provider."),
    ],
)
def test_the_form_says_what_is_missing(desk: Client, values: dict[str, str], words: str) -> None:
    response = add(desk, **values)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert not IdentityProvider.objects.exists()


def test_one_domain_leads_to_one_provider(desk: Client) -> None:
    add(desk)
    response = add(desk, name="Other", slug="other", domains="other.example\nacme.org")
    assert "Acme has one of these domains already." in response.content.decode()


def test_metadata_fills_in_the_fields_of_saml(desk: Client) -> None:
    certificate = "".join(new_key()[1].splitlines()[1:-1])
    metadata = METADATA.format(entity=ENTITY, certificate=certificate, url=SSO_URL)
    assert add(desk, kind="saml", issuer="", client_id="", metadata=metadata).status_code == 302
    provider = IdentityProvider.objects.get()
    assert (provider.issuer, provider.sso_url, provider.certificate) == (ENTITY, SSO_URL, certificate)
    page = desk.get(f"/admin/sign_on/identityprovider/{provider.pk}/change/").content.decode()
    assert "/sign-on/acme/acs" in page


def test_the_light_follows_real_sign_ins(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Any, desk: Client
) -> None:
    def light() -> str:
        return desk.get("/admin/sign_on/identityprovider/").content.decode()

    assert "not tried yet" in light()
    server.forge = lambda claims: {**claims, "aud": "another"}
    sign_in(Client(), server)
    assert "does not work" in light() and "The answer is for another client." in light()
    server.forge = lambda claims: claims
    sign_in(Client(), server)
    assert "does not work" not in light() and "works" in light()
    page = desk.get(f"/admin/sign_on/signinrecord/{SignInRecord.objects.earliest('at').pk}/change/").content.decode()
    assert "The answer is for another client." in page
    preview = reverse("admin:sign_on_identityprovider_preview_groups", args=[provider.pk])
    assert "bob" in desk.get(preview).content.decode()


def test_whoever_may_only_look_sees_the_fields_of_the_protocol(desk: Client) -> None:
    add(desk)
    looker = UserFactory(username="auditor", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_identityprovider"))
    client = Client()
    client.force_login(looker, "notifications.signing_in.AccountBackend")
    page = client.get(f"/admin/sign_on/identityprovider/{IdentityProvider.objects.get().pk}/change/").content.decode()
    assert "OpenID Connect" in page and "Client ID" in page
    assert "SAML" not in page


def test_the_form_hides_the_fields_of_the_other_protocol(desk: Client) -> None:
    page = desk.get("/admin/sign_on/identityprovider/add/").content.decode()
    switch = json.loads(unescape(re.search('data-switch="([^"]+)"', page)[1]))  # type: ignore[index]
    assert {kind: choice["hide"] for kind, choice in switch.items()} == {
        "openid_connect": [".saml-only"],
        "saml": [".openid_connect-only"],
    }
    assert switch["saml"]["words"]["issuer"][0] == "Entity ID"
    for section, fields in {"openid_connect": ["client_id"], "saml": ["sso_url", "certificate"]}.items():
        fieldset = re.split(rf'<fieldset class="[^"]*{section}-only"', page)[1].partition("</fieldset>")[0]
        assert [name for name in fields if f'name="{name}"' not in fieldset] == []
    assert "wfpush/admin/switch.js" in page
