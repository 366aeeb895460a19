"""The frame of every inbox page: the brand's name, logo and colours, and who is signed in.

A brand's colours are a style sheet of its own, since the Content-Security-Policy allows no inline style. Whatever
accent an administrator picks, text on it and text in it has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3).
"""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from notifications.additions import MenuEntry
from notifications.engines import connected_accounts
from notifications.inbox.sign_in.session import recipient_of
from notifications.models import Account, Brand
from notifications.wording.colours import ink_on, readable
from wfpush import features

LIGHT_GROUND, DARK_GROUND = "#eaf1fd", "#1c2a40"
"""The backgrounds with the lowest contrast on which accent-coloured text stands, from static/wfpush/tokens.css."""


def has_own_password(request: HttpRequest) -> bool:
    """Return whether the reader is signed in by an account with a password. People who come by links have none."""
    account = request.user
    return isinstance(account, Account) and account.has_usable_password()


def show_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    brand: Brand | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page with the given brand, else that of the person signed in, else without one."""
    person = recipient_of(request)
    brand = brand or (person.brand if person else None)
    around = {
        "person": person,
        "external": person is not None and person.external,
        "brand": brand,
        "brand_style": style_url(brand) if brand else "",
        "own_password": person is not None and has_own_password(request),
        "menu": [each for each in features.added(MenuEntry) if person is not None and each.is_shown(person)],
        "connectable": person is not None and connected_accounts.shown_to(person).exists(),
    }
    return render(request, template, {**around, **(context or {})}, status=status)


# --- the colours of a brand -------------------------------------------------------------------------------------------
def style_of(brand: Brand) -> str:
    light, dark = _properties(brand.accent, LIGHT_GROUND), _properties(brand.accent_dark, DARK_GROUND)
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _properties(accent: str, page: str) -> str:
    """Return the CSS properties of a button's background, the text on it, and accent-coloured text on the page."""
    return f"--accent:{accent};--on-accent:{ink_on(accent)};--accent-text:{readable(accent, page)}"


def style_url(brand: Brand) -> str:
    """Return the style sheet's address. Its digest of the colours lets browsers cache the response for ever."""
    digest = hashlib.sha256(style_of(brand).encode()).hexdigest()[:12]
    return f"{reverse('inbox:brand-style', args=[brand.slug])}?v={digest}"


@require_safe
def brand_style(request: HttpRequest, slug: str) -> HttpResponse:
    brand = get_object_or_404(Brand, slug=slug)
    response = HttpResponse(style_of(brand), content_type="text/css; charset=utf-8")
    lasting = request.GET.get("v", "") in style_url(brand).partition("=")[2:]
    response["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "public, max-age=300"
    return response
