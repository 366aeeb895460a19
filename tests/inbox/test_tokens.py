"""The colours of static/wfpush/tokens.css can be read, in both modes."""

import re

import pytest
from django.conf import settings

from notifications.inbox.page_frame import DARK_GROUND, LIGHT_GROUND
from notifications.wording.colours import READABLE, contrast

TOKENS = (settings.BASE_DIR / "static/wfpush/tokens.css").read_text()
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in TOKENS.split("@media (prefers-color-scheme")
)
NON_TEXT = 3.0
"""What WCAG 2.2, 1.4.11 asks of the edges of controls."""


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("text", ("page", "surface", "hover", "chosen")),
        ("muted", ("page", "surface", "hover", "chosen")),
        ("accent-text", ("page", "surface", "hover", "chosen")),
        ("on-accent", ("accent",)),
        ("late", ("surface", "chosen", "late-ground")),
        ("soon", ("surface", "chosen", "soon-ground")),
        ("good", ("surface", "good-ground")),
    ],
)
def test_words_can_be_read(colours: dict[str, str], ink: str, grounds: tuple[str, ...]) -> None:
    assert {ground: contrast(colours[ink], colours[ground]) >= READABLE for ground in grounds} == dict.fromkeys(
        grounds, True
    )


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_edges_of_controls_can_be_seen(colours: dict[str, str]) -> None:
    assert contrast(colours["control"], colours["surface"]) >= NON_TEXT


def test_brands_are_measured_against_the_least_favourable_grounds() -> None:
    names = ("page", "surface", "hover", "chosen")

    assert darkest(LIGHT, names) == LIGHT_GROUND
    assert lightest(DARK, names) == DARK_GROUND


def darkest(colours: dict[str, str], names: tuple[str, ...]) -> str:
    return max((colours[name] for name in names), key=lambda colour: contrast("#ffffff", colour))


def lightest(colours: dict[str, str], names: tuple[str, ...]) -> str:
    return max((colours[name] for name in names), key=lambda colour: contrast("#000000", colour))


STYLES = [
    "static/wfpush/inbox.css",
    "static/wfpush/pages.css",
    "notifications/customers/static/wfpush/customer.css",
    "escalations/team_time/static/team_time/page.css",
]
CORNER = r"(?:var\(--(?:radius|radius-small|round)\)|[0-3](?:px)?)"
OF_TOKENS = {
    "font-size": r"var\(--size-\d\)|inherit",
    "font-weight": r"var\(--weight(-strong)?\)|inherit",
    "border-radius": rf"{CORNER}( {CORNER})*|inherit|50%",
}
SPACES = r"(?:gap|(?:row|column)-gap|(?:padding|margin)(?:-[a-z-]+)?)"


@pytest.mark.parametrize("style", STYLES)
def test_sizes_weights_corners_and_spaces_are_those_of_the_tokens(style: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (settings.BASE_DIR / style).read_text(), flags=re.S)
    raw = [
        f"{name}: {value}"
        for name, allowed in OF_TOKENS.items()
        for value in re.findall(rf"(?<![\w-]){name}: ([^;}}]+)", text)
        if not re.fullmatch(allowed, value.strip())
    ]
    spaces = [
        f"{name}: {value}"
        for name, value in re.findall(rf"(?<![\w-])({SPACES}): ([^;}}]+)", text)
        if any(int(pixels) > 2 and int(pixels) % 4 for pixels in re.findall(r"(?<![\w.])-?(\d+)px", value))
    ]
    assert [*raw, *spaces] == []
