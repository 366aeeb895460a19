"""A brand's colours as a style sheet of its own, since the Content-Security-Policy allows no inline style.

Whatever accent an administrator picks, text on it and text in it has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3).
"""

import hashlib
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from notifications.models import Brand
from notifications.wording.colours import ink_on, readable

LIGHT_GROUND, DARK_GROUND = "#eef2f9", "#1d2126"
"""The backgrounds with the lowest contrast on which accent-coloured text stands, from static/wfpush/tokens.css."""


@dataclass(frozen=True)
class Accent:
    """An accent's three uses: a button's background, the text on it, and accent-coloured text on the page."""

    ground: str
    on_ground: str
    text: str


def accent(colour: str, page: str) -> Accent:
    return Accent(colour, ink_on(colour), readable(colour, page))


def style_of(brand: Brand) -> str:
    light, dark = accent(brand.accent, LIGHT_GROUND), accent(brand.accent_dark, DARK_GROUND)
    return f":root{{{_properties(light)}}}\n@media (prefers-color-scheme:dark){{:root{{{_properties(dark)}}}}}\n"


def _properties(colours: Accent) -> str:
    return f"--accent:{colours.ground};--on-accent:{colours.on_ground};--accent-text:{colours.text}"


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
