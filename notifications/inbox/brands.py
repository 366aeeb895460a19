"""A brand's colours as a style sheet of its own, since the Content-Security-Policy allows no inline style.

Whatever accent an administrator picks, text on it and text in it has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3).
"""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from notifications.models import Brand
from notifications.wording.colours import ink_on, readable

LIGHT_GROUND, DARK_GROUND = "#eef2f9", "#1d2126"
"""The backgrounds with the lowest contrast on which accent-coloured text stands, from static/wfpush/tokens.css."""


def style_of(brand: Brand) -> str:
    light, dark = _properties(brand.accent, LIGHT_GROUND), _properties(brand.accent_dark, DARK_GROUND)
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _properties(accent: str, page: str) -> str:
    """A button's background, the text on it, and accent-coloured text on the page."""
    return f"--accent:{accent};--on-accent:{ink_on(accent)};--accent-text:{readable(accent, page)}"


def style_url(brand: Brand) -> str:
    """The address contains the colours, so that browsers may cache the response for ever."""
    digest = hashlib.sha256(style_of(brand).encode()).hexdigest()[:12]
    return f"{reverse('inbox:brand-style', args=[brand.slug])}?v={digest}"


@require_safe
def brand_style(request: HttpRequest, slug: str) -> HttpResponse:
    brand = get_object_or_404(Brand, slug=slug)
    response = HttpResponse(style_of(brand), content_type="text/css; charset=utf-8")
    lasting = request.GET.get("v", "") in style_url(brand).partition("=")[2:]
    response["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "public, max-age=300"
    return response
