"""The ways to sign in at identity providers, for the sign-in pages (notifications/inbox/sign_in/ways.py)."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.ways import Way
from notifications.sign_on.identities import provider_of_address
from notifications.sign_on.models import IdentityProvider
from notifications.wording.directions import all_apart


def ways(back: str) -> list[Way]:
    providers = IdentityProvider.objects.filter(active=True)
    return [Way(gettext("Sign in at %(name)s") % all_apart(name=each.name), _address(each, back)) for each in providers]


def lead(request: HttpRequest, name: str, back: str) -> HttpResponse | None:
    """Return a page that leads to the provider of the address's domain, as browsers refuse a form's redirect there."""
    provider = provider_of_address(name)
    if provider is None:
        return None
    address = _address(provider, back, login_hint=name)
    return show_page(request, "sign_on/leaving.html", {"provider": provider, "address": address})


def _address(provider: IdentityProvider, back: str, **more: str) -> str:
    return f"{reverse('openid_connect_login', args=[provider.slug])}?{urlencode({'next': back, **more})}"
