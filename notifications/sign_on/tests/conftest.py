from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from notifications.models import Recipient
from notifications.sign_on import id_tokens
from notifications.sign_on.models import IdentityProvider
from tests.factories import RecipientFactory, UserFactory
from tests.support.identity_provider import CLIENT, SECRET, IdentityProviderServer


@pytest.fixture
def server(settings: Any) -> Iterator[IdentityProviderServer]:
    """A provider that would sign in Bob."""
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    person = {"sub": "bob-17", "email": "Bob@acme.example", "email_verified": True, "name": "Bob Brown", "sid": "s-1"}
    with IdentityProviderServer(person) as server:
        yield server
    id_tokens._kept.clear()


@pytest.fixture
def provider(db: None, server: IdentityProviderServer) -> IdentityProvider:
    return IdentityProvider.objects.create(
        slug="acme",
        name="Acme",
        issuer=server.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        domains=["acme.example"],
    )


@pytest.fixture
def bob(db: None) -> Recipient:
    """Bob has an account here, and a verified address."""
    person: Recipient = RecipientFactory(
        ref="bob", name="Bob", user=UserFactory(username="bob"), email="bob@acme.example", email_verified=True
    )
    return person
