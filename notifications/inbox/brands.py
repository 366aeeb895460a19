"""A brand's colours as a style sheet of its own, since the Content-Security-Policy admits no inline style.

Whatever accent an administrator picks, text on it and in it stays readable: its contrast is at least 4.5:1
(WCAG 2.2, 1.4.3).
"""

import hashlib
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from notifications.models import Brand

READABLE = 4.5
LIGHT_GROUND, DARK_GROUND = "#eef2f9", "#1d2126"
"""The least favourable grounds that accent-coloured text stands on, from static/wfpush/tokens.css."""

INK, PAPER = "#000000", "#ffffff"
"""Black, because for every ground one of the two then reads well: what is in between would fall short for some."""
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Accent:
    """An accent's three uses: a button's ground, the text on it, and accent-coloured text on the page."""

    ground: str
    on_ground: str
    text: str


def accent(colour: str, page: str) -> Accent:
    on_ground = max(INK, PAPER, key=lambda ink: contrast(ink, colour))
    return Accent(colour, on_ground, readable(colour, page))


def readable(colour: str, ground: str) -> str:
    """The colour, moved towards black or white only as far as it takes to be read on the ground."""
    goal = max("#000000", "#ffffff", key=lambda end: contrast(end, ground))
    for step in range(21):
        mixed = mix(colour, goal, step / 20)
        if contrast(mixed, ground) >= READABLE:
            return mixed
    return goal


def mix(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _channels(colour: str) -> Colour:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def style_of(brand: Brand) -> str:
    light, dark = accent(brand.accent, LIGHT_GROUND), accent(brand.accent_dark, DARK_GROUND)
    return f":root{{{_properties(light)}}}\n@media (prefers-color-scheme:dark){{:root{{{_properties(dark)}}}}}\n"


def _properties(colours: Accent) -> str:
    return f"--accent:{colours.ground};--on-accent:{colours.on_ground};--accent-text:{colours.text}"


def style_url(brand: Brand) -> str:
    """The address names the colours, so that browsers may keep what it gives for good."""
    digest = hashlib.sha256(style_of(brand).encode()).hexdigest()[:12]
    return f"{reverse('inbox:brand-style', args=[brand.slug])}?v={digest}"


@require_safe
def brand_style(request: HttpRequest, slug: str) -> HttpResponse:
    brand = get_object_or_404(Brand, slug=slug)
    response = HttpResponse(style_of(brand), content_type="text/css; charset=utf-8")
    lasting = request.GET.get("v", "") in style_url(brand).partition("=")[2:]
    response["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "public, max-age=300"
    return response
