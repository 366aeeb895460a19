"""The desk's pages of providers: what the form needs and refuses, the light, and secrets that are never shown."""

import json
import re
from html import unescape
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from notifications.sign_on.models import IdentityProvider, SignInRecord
from notifications.sign_on.tests.signing_on import is_signed_in, sign_in
from tests.factories import TeamFactory, UserFactory
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


def address_of(provider: IdentityProvider, page: str = "change") -> str:
    return f"/admin/sign_on/identityprovider/{provider.pk}/{page}/"


def sent(provider: IdentityProvider, *rows: dict[str, Any], **values: Any) -> dict[str, Any]:
    """What the form sends: the provider as it is, with these rows of its table."""
    form = {
        **{name: getattr(provider, name) for name in ("name", "kind", "issuer", "client_id")},
        "domains": "acme.example",
        "active": "on",
        "mappings-TOTAL_FORMS": len(rows),
        "mappings-INITIAL_FORMS": sum("id" in row for row in rows),
    }
    for number, row in enumerate(rows):
        form |= {f"mappings-{number}-{name}": value for name, value in row.items()}
    return {**form, **values}


# --- identities that are forgotten ------------------------------------------------------------------------------------
def test_identities_are_forgotten_after_a_question(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Any, desk: Client
) -> None:
    browser = Client()
    sign_in(browser, server)
    other = IdentityProvider.objects.create(slug="other", name="Other", issuer="https://other.example", domains=["b.c"])
    SocialAccount.objects.create(provider=other.identity_key, uid="bob-17", user=bob.user)
    question = desk.get(address_of(provider, "forget")).content.decode()
    assert "Forget all identities of Acme?" in question and "1 person is found by their verified" in question
    assert SocialAccount.objects.count() == 2
    assert desk.post(address_of(provider, "forget")).status_code == 302
    assert SocialAccount.objects.get().provider == other.identity_key
    assert LogEntry.objects.latest("pk").change_message == "1 identity is forgotten."
    assert is_signed_in(browser)
    server.person["sub"] = "bob-18"  # who has a new subject there, and the same verified address
    again = Client()
    sign_in(again, server)
    assert is_signed_in(again)
    assert SocialAccount.objects.get(provider=provider.identity_key).uid == "bob-18"


def test_only_who_may_change_a_provider_forgets_identities(provider: IdentityProvider) -> None:
    auditor = UserFactory(username="ada", is_staff=True)
    auditor.groups.add(Group.objects.get(name="Auditors"))
    client = Client()
    client.force_login(auditor, "notifications.signing_in.AccountBackend")
    assert client.get(address_of(provider)).status_code == 200
    assert client.post(address_of(provider, "forget")).status_code == 403


# --- the table of groups ----------------------------------------------------------------------------------------------
def test_the_history_says_who_changed_which_group(desk: Client, provider: IdentityProvider) -> None:
    boats, trains = TeamFactory(slug="boats", name="Boats"), TeamFactory(slug="trains", name="Trains")
    desk.post(address_of(provider), sent(provider, {"group": "g-1", "team": boats.pk}))
    row = provider.mappings.get()
    desk.post(address_of(provider), sent(provider, {"id": row.pk, "group": "g-1", "team": trains.pk}))
    newest, before = provider.history.all()[:2]
    assert newest.history_user.username == before.history_user.username == "root"
    assert [each["team_id"] for each in (before.parts["mappings"][0], newest.parts["mappings"][0])] == [
        boats.pk,
        trains.pk,
    ]
    page = desk.get(address_of(provider, "history"), {"a": before.pk, "b": newest.pk}).content.decode()
    assert "Boats" in page and "Trains" in page
    desk.post(f"{address_of(provider, 'history')}{before.pk}/")
    assert provider.mappings.get().team == boats


def test_only_who_may_change_users_changes_groups(desk: Client, provider: IdentityProvider) -> None:
    """A role would be a way to give it oneself: in a new row, an earlier state, or a row with another group."""
    role = Group.objects.get(name="Administrators")
    desk.post(address_of(provider), sent(provider, {"group": "g-admins", "role": role.pk}))
    with_role = provider.history.first()
    desk.post(address_of(provider), sent(provider, {"id": provider.mappings.get().pk, "DELETE": "on"}))
    row = provider.mappings.create(group="g-others", role=role)
    eve: User = UserFactory(username="eve", is_staff=True)
    eve.user_permissions.set(Permission.objects.filter(content_type__app_label="sign_on"))
    client = Client()
    client.force_login(eve, "notifications.signing_in.AccountBackend")
    values = {"id": row.pk, "group": "g-eve", "role": role.pk}
    response = client.post(address_of(provider), sent(provider, values, name="Acme Ltd"))
    assert response.status_code == 302
    client.post(f"{address_of(provider, 'history')}{with_role.pk}/")
    assert provider.mappings.get().group == "g-others"
    provider.refresh_from_db()
    assert provider.name == "Acme", "The rest of the state is restored."


def test_a_former_issuer_has_no_identities_when_it_is_restored(desk: Client) -> None:
    add(desk, new_secret="")
    provider = IdentityProvider.objects.get()
    first, keys = provider.history.first(), {provider.identity_key}
    desk.post(address_of(provider), sent(provider, issuer="https://other.example.com", new_secret="another"))
    provider.refresh_from_db()
    assert provider.issuer == "https://other.example.com"
    keys.add(provider.identity_key)
    desk.post(f"{address_of(provider, 'history')}{first.pk}/")
    provider.refresh_from_db()
    assert provider.issuer == "https://other.example.com", "The secret would go to another host."
    IdentityProvider.objects.update(client_secret="")
    desk.post(f"{address_of(provider, 'history')}{first.pk}/")
    provider.refresh_from_db()
    assert provider.issuer == "https://login.example.com"
    assert len(keys | {provider.identity_key}) == 3
