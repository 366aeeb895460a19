"""Signs in at a provider as a browser does, by its redirects."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client

from notifications.sign_on.models import SignInRecord
from tests.support.identity_provider import IdentityProviderServer


def begin(client: Client, back: str = "/") -> str:
    """Return the provider's address to which the browser is sent."""
    response = client.get("/sign-on/acme/login", {"next": back})
    assert response.status_code == 302, response.content
    return response["Location"]


def sign_in(client: Client, server: IdentityProviderServer, back: str = "/") -> HttpResponse:
    """Sign in, and return the response to the redirect back."""
    return come_back(client, server.authorize(begin(client, back)))


def come_back(client: Client, url: str) -> HttpResponse:
    parts = urlsplit(url)
    response: Any = client.get(f"{parts.path}?{parts.query}")
    return response


def is_signed_in(client: Client) -> bool:
    return bool(client.get("/settings").status_code == 200)


def last() -> SignInRecord:
    return SignInRecord.objects.latest("at")
